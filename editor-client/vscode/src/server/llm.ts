/** What of an LLM the user has set in VS Code, as the environment that the server and its jobs read. Pure. */

export interface Llm {
  model: string;
  baseUrl: string;
  /** From the secret storage. */
  key: string;
}

/** What is not set is left to the user's own config.toml and environment. */
export function llmEnvironment({ model, baseUrl, key }: Llm): Record<string, string> {
  const named = { EVOLVEREC_LLM_MODEL: model, EVOLVEREC_LLM_BASE_URL: baseUrl, EVOLVEREC_LLM_KEY: key };
  return Object.fromEntries(Object.entries(named).flatMap(([name, value]) => (value.trim() ? [[name, value.trim()]] : [])));
}

/** Why a text can be no key; undefined where it can be, or where it is empty, which forgets the key. */
export function wrongKey(text: string): string | undefined {
  return /^[\x21-\x7e]*$/.test(text.trim()) ? undefined : 'A key has no blanks and no characters beyond ASCII: copy it again';
}
