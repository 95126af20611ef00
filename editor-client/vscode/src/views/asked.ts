/** What there is to choose from where a command is asked for without a row: findings and patches, the likeliest first. Pure. */

import type { Finding, Findings, Place, Proposal } from '../protocol';
import { gainBeside, patchLabel } from './findingsTree';
import { joined } from './node';

/** label, description and detail: as a quick pick shows them. */
export interface Choice<T> {
  label: string;
  description: string;
  detail: string;
  of: T;
}

/** Where the cursor is: a file's URI, and its line from 0. */
export interface Cursor {
  uri: string;
  line: number;
}

/** Those at the cursor first, faded ones last. */
export function findingChoices(found: Findings, cursor?: Cursor): Choice<Finding>[] {
  const all = found.causes.flatMap((cause) => cause.findings);
  const once = [...new Map(all.map((finding) => [finding.id, finding])).values()];
  const rank = (finding: Finding) => (cursor && finding.places.some((place) => covers(place, cursor)) ? 0 : finding.faded ? 2 : 1);
  return once
    .sort((one, other) => rank(one) - rank(other))
    .map((finding) => {
      const [place] = finding.places;
      return {
        label: finding.row ?? finding.code,
        description: joined(place && `${place.path}:${place.line + 1}`, finding.faded && 'faded'),
        detail: finding.message,
        of: finding,
      };
    });
}

function covers(place: Place, { uri, line }: Cursor): boolean {
  return place.uri === uri && place.line <= line && line <= place.endLine;
}

/** open: only those whose changes can still be taken, as the rows that offer it. */
export function patchChoices(proposals: readonly Proposal[], open: boolean): Choice<Proposal>[] {
  const fit = proposals.filter((proposal) => !open || (proposal.state === 'open' && !proposal.unfit));
  return fit.map((proposal) => ({
    label: patchLabel(proposal),
    description: joined(gainBeside(proposal), stateOf(proposal)),
    detail: proposal.files.map((file) => file.path).join(', '),
    of: proposal,
  }));
}

function stateOf(proposal: Proposal): string {
  if (proposal.state === 'applied') return 'applied';
  if (proposal.unfit) return 'does not fit the text now';
  return proposal.verified === 'no' ? joined('not verified', proposal.whyNot) : `verified ${proposal.verified}`;
}
