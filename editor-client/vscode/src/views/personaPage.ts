/** One persona with the page it was given, as a text that any editor and screen reader can read. */

import type { PageItem, Persona, UserGroup } from '../protocol';
import { escape } from './node';

export function personaPage(group: UserGroup, persona: Persona): string {
  const player = group.kind === 'llm' ? `Played by the LLM ${escape(group.model)}.` : 'A statistical user: no LLM was asked.';
  return [
    `# User ${persona.user}`,
    '',
    escape(persona.persona),
    '',
    `${player} How well users of this kind know their user: ${escape(group.fidelity.text)}.${group.noVote ? ` ${escape(group.noVote)}` : ''}`,
    '',
    '## What they chose before',
    '',
    ...[...persona.history].reverse().map((title) => `- ${escape(title)}`),
    '',
    '## The page they were given',
    '',
    '| Rank | Item | Fits them | Rating | Why |',
    '|---:|---|---|---|---|',
    ...persona.page.map(row),
    '',
    ...(persona.words.length > 0 ? ['## What they say', '', ...persona.words.map((words) => `> ${escape(words)}\n`)] : []),
  ].join('\n');
}

function row(item: PageItem): string {
  const rating = item.rating === null ? 'nobody rated' : `${item.rating} of 5`;
  return `| ${item.rank} | ${cell(item.title)} | ${item.align ? 'yes' : 'no'} | ${rating} | ${cell(item.reason)} |`;
}

function cell(text: string): string {
  return escape(text.replace(/\s+/g, ' '));
}
