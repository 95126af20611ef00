/** Simulated users: what they agree on, and each with the page it was given. */

import type { Critique, Persona, UserGroup, Users } from '../protocol';
import { beside, count, escape, inRow, joined, leaf, type Node, NOTHING, paragraphs } from './node';

export function usersTree(users: Users): Node[] {
  return users.groups.map((group) => groupNode(users.repo, group));
}

function groupNode(repo: string, group: UserGroup): Node {
  const id = `users:${repo}:${group.kind}:${group.model}`;
  const label = group.kind === 'llm' ? `${count(group.asked, 'user')} played by the LLM ${group.model}` : count(group.asked, 'statistical user');
  const status = STATUS[group.status] ?? group.status;
  return {
    id,
    label,
    description: joined(group.failed > 0 && `${group.failed} failed`, group.noVote ? 'no vote' : status),
    tooltip: paragraphs(escape(group.noVote), escape(group.because)),
    icon: { name: group.kind === 'llm' ? 'sparkle' : 'organization' },
    subject: NOTHING,
    unfolded: true,
    children: [
      leaf(`${id}:fidelity`, `${inRow(group.fidelity)} fidelity`, 'pulse', "AUC: how well they know their user's real choices; .5 is chance"),
      ...(group.noVote ? [leaf(`${id}:noVote`, group.noVote, 'mute', 'what they say does not count')] : []),
      ...(group.silent ?? []).map((line, index) => leaf(`${id}:silent:${index}`, line, 'mute')),
      ...(group.because ? [leaf(`${id}:because`, group.because, 'info', status)] : []),
      section(`${id}:critiques`, 'critique', 'comment-discussion', group.critiques.map((critique) => critiqueNode(repo, critique)), true),
      section(`${id}:personas`, 'persona', 'account', group.personas.map((persona) => personaNode(repo, group, persona)), false),
    ],
  };
}

const STATUS: Record<string, string> = {
  CRITICAL: 'critical',
  NEEDS_IMPROVEMENT: 'needs improvement',
  STABLE: 'stable',
};

function section(id: string, label: string, icon: string, children: Node[], unfolded: boolean): Node {
  return { id, label: children.length > 0 ? count(children.length, label) : `no ${label}s`, icon: { name: icon }, subject: NOTHING, children, unfolded };
}

function critiqueNode(repo: string, critique: Critique): Node {
  const id = `critique:${repo}:${critique.id}`;
  const word = critique.positive ? 'praise' : 'complaint';
  return {
    id,
    label: critique.row ?? critique.code,
    description: beside(critique.row ?? critique.code, critique.message),
    tooltip: paragraphs(`**${escape(critique.code)}**: ${escape(critique.message)}`, `${word}, said by ${escape(critique.share.text)}`),
    icon: { name: critique.positive ? 'thumbsup' : 'thumbsdown' },
    spoken: `${word}: ${critique.code}, ${critique.message}`,
    context: 'critique',
    subject: { kind: 'critique', repo, id: critique.id, places: critique.places },
    ...(critique.places.length > 0 ? { open: 'reveal' as const } : {}),
    children: [
      leaf(`${id}:share`, critique.share.text, 'pulse', 'said so'),
      ...(critique.backing ?? []).map((line, index) => leaf(`${id}:backing:${index}`, line, 'law')),
      ...critique.quotes.map((quote, index) =>
        leaf(`${id}:quote:${index}`, `“${quote.text}”`, 'quote', `user ${quote.user}, ${quote.persona}`),
      ),
      ...critique.places.map((place) => ({
        id: `${id}:${place.uri}:${place.line}`,
        label: `${place.path}:${place.line + 1}`,
        description: place.role,
        icon: { name: 'go-to-file' },
        subject: { kind: 'place' as const, place },
        open: 'reveal' as const,
      })),
    ],
  };
}

function personaNode(repo: string, group: UserGroup, persona: Persona): Node {
  const fitting = persona.page.filter((item) => item.align).length;
  return {
    id: `persona:${repo}:${group.kind}:${persona.user}`,
    label: `${fitting} of ${persona.page.length} fit user ${persona.user}`,
    description: persona.persona,
    tooltip: paragraphs(escape(persona.persona), ...persona.words.map((words) => `“${escape(words)}”`)),
    icon: { name: 'person' },
    context: 'persona',
    subject: { kind: 'persona', repo, group, persona },
    open: 'page',
  };
}
