/** The few words of status item and status bar. Pure. */

import type { Job, RepoState } from '../protocol';
import { count } from '../views/node';

export interface Status {
  /** Codicon. */
  icon: string;
  text: string;
  busy: boolean;
  level: 'ok' | 'warning' | 'error';
}

export type ServerKind = 'off' | 'starting' | 'running' | 'missing' | 'failed';

export function statusOf(server: ServerKind, repo: RepoState | undefined): Status {
  if (server === 'missing') return { icon: 'warning', text: 'not found', busy: false, level: 'warning' };
  if (server === 'failed') return { icon: 'error', text: 'server does not run', busy: false, level: 'error' };
  if (server !== 'running') return { icon: 'loading~spin', text: 'starting', busy: true, level: 'ok' };
  if (!repo) return { icon: 'circle-outline', text: 'no recommender here', busy: false, level: 'ok' };
  if (repo.trouble) return { icon: 'error', text: 'store cannot be read', busy: false, level: 'error' };
  const [job] = repo.jobs;
  if (job) return { icon: 'sync~spin', text: jobText(job, repo.jobs.length), busy: true, level: 'ok' };
  if (repo.standing.stage === 'config') return { icon: 'error', text: 'evolverec.toml is wrong', busy: false, level: 'error' };
  const found = repo.errors + repo.warnings;
  if (found > 0) {
    return { icon: repo.errors > 0 ? 'error' : 'warning', text: count(found, 'finding'), busy: false, level: repo.errors > 0 ? 'error' : 'warning' };
  }
  if (repo.standing.stage === 'failed') return { icon: 'error', text: /^Training failed/.test(repo.standing.words) ? 'training failed' : 'last job failed', busy: false, level: 'error' };
  if (!repo.objective) return { icon: 'circle-outline', text: 'not trained yet', busy: false, level: 'ok' };
  return { icon: 'pass', text: repo.summary.split(', ', 1)[0] ?? '', busy: false, level: 'ok' }; // NDCG@10 .184 ± .034
}

/** "training 43 %" of "training 43 %: epoch 6/20, loss .693", and how many others run. */
function jobText(job: Job, jobs: number): string {
  const [words = job.kind] = job.label.split(':', 1);
  return jobs > 1 ? `${words}, ${jobs - 1} more` : words;
}

/** "24 trials take about 50 min on this machine, by your last training", "" before any. */
export function timeOf(trials: number, trialSeconds: number | null, slots: number): string {
  if (trialSeconds === null) return '';
  const seconds = (trials * trialSeconds) / Math.max(1, slots);
  const time = seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  return `${count(trials, 'trial')} ${trials === 1 ? 'takes' : 'take'} about ${time} on this machine, by your last training`;
}

/** The innermost of these repos that holds the file. */
export function repoOf<R extends { repo: string }>(file: string, repos: readonly R[], separator: string): R | undefined {
  const holds = (repo: R) => file === repo.repo || file.startsWith(repo.repo.endsWith(separator) ? repo.repo : repo.repo + separator);
  return repos.filter(holds).sort((a, b) => b.repo.length - a.repo.length)[0];
}
