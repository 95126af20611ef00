import assert from 'node:assert/strict';
import { test } from 'node:test';

import { llmEnvironment, wrongKey } from '../src/server/llm';

test('what is set goes to the server, and what is not leaves config.toml and the environment in charge', () => {
  assert.deepEqual(llmEnvironment({ model: '', baseUrl: ' ', key: '' }), {});
  assert.deepEqual(llmEnvironment({ model: 'gpt-x', baseUrl: '', key: ' sk-1 ' }), { EVOLVEREC_LLM_MODEL: 'gpt-x', EVOLVEREC_LLM_KEY: 'sk-1' });
  assert.deepEqual(llmEnvironment({ model: '', baseUrl: 'http://localhost:8000/v1', key: '' }), { EVOLVEREC_LLM_BASE_URL: 'http://localhost:8000/v1' });
});

test('a key that was copied with something else is refused before it is kept', () => {
  assert.equal(wrongKey('sk-abc_123'), undefined);
  assert.equal(wrongKey(''), undefined);
  for (const text of ['sk abc', 'Bearer sk-1', 'schlüssel']) assert.match(wrongKey(text) ?? '', /copy it again/);
});
