import Anthropic from '@anthropic-ai/sdk'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { z } from 'zod'

import { BASE_URL, KEYS, countingFetch, run } from './cases.mjs'

const model = 'claude-haiku-4-5'
const messages = [{ role: 'user', content: 'Say something about budgets.' }]
const pixel = Buffer.from('\x89PNG\r\n\x1a\n' + '\0'.repeat(60), 'latin1').toString('base64')
const weather = {
  name: 'weather',
  description: 'Tell the weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
const forecast = [{ role: 'user', content: 'Please call weather for Oslo.' }]

const client = (name) => new Anthropic({ baseURL: BASE_URL, apiKey: KEYS[name] ?? name, fetch: countingFetch })
const claude = client('main')
const ask = (request, options) => claude.messages.create({ model, messages, max_tokens: 100, ...request }, options)
const refused = (name, request) => client(name).messages.create({ model, messages, max_tokens: 100, ...request })
const note = (words) => ({ metadata: { user_id: `sim:${words}` } })
const all = async (stream) => {
  const events = []
  for await (const event of stream) events.push(event)
  return events
}

await run({
  whole: () => ask({ max_tokens: 30 }),

  streamed: async () => all(await ask({ stream: true, max_tokens: 9 })),

  stream_helper: async () => {
    const texts = []
    const stream = claude.messages.stream({ model, messages, max_tokens: 100, ...note('output_tokens=25') })
    stream.on('text', (text) => texts.push(text))
    return { final: await stream.finalMessage(), text: texts.join('') }
  },

  stream_abandoned: async () => {
    const stream = await ask({ stream: true, max_tokens: 500, ...note('output_tokens=400') })
    for await (const event of stream) {
      stream.controller.abort()
      return { seen: event.type }
    }
  },

  tools: async () => {
    const tools = [weather]
    const first = await ask({ messages: forecast, tools })
    const call = first.content.find((block) => block.type === 'tool_use')
    const result = { type: 'tool_result', tool_use_id: call.id, content: '4 degrees, rain' }
    const said = [{ role: 'assistant', content: first.content }, { role: 'user', content: [result] }]
    const second = await ask({ messages: [...forecast, ...said], tools, tool_choice: { type: 'none' } })
    return { first, second }
  },

  tools_streamed: () => claude.messages.stream({ model, messages: forecast, max_tokens: 99, tools: [weather] }).finalMessage(),

  parsed: async () => {
    const Reason = z.object({ why: z.string(), sure: z.boolean() })
    const wanted = { output_config: { format: zodOutputFormat(Reason) } }
    const done = await claude.messages.parse({ model, messages, max_tokens: 100, ...wanted })
    return done.parsed_output
  },

  images: () => {
    const source = { type: 'base64', media_type: 'image/png', data: pixel }
    const content = [
      { type: 'image', source },
      { type: 'image', source: { type: 'url', url: 'https://example.com/cat.png' } },
      { type: 'text', text: 'What is this?' },
    ]
    return ask({ messages: [{ role: 'user', content }] })
  },

  cached: async () => {
    const text = 'The handbook of the npm package says: ' + 'be kind; '.repeat(2000)
    const system = [{ type: 'text', text, cache_control: { type: 'ephemeral' } }]
    return { first: await ask({ system }), second: await ask({ system }) }
  },

  thinking: () =>
    ask({
      model: 'claude-sonnet-5',
      max_tokens: 2000,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      ...note('output_tokens=90;reasoning_tokens=40'),
    }),

  beta: () =>
    claude.beta.messages.create({ model, messages, max_tokens: 9, betas: ['context-management-2025-06-27'] }),

  auth_token: () => {
    const bearer = new Anthropic({ baseURL: BASE_URL, apiKey: null, authToken: KEYS.main, fetch: countingFetch })
    return bearer.messages.create({ model, messages, max_tokens: 9 })
  },

  counted: () => claude.messages.countTokens({ model, messages: [{ role: 'user', content: 'x'.repeat(400) }] }),

  with_response: async () => {
    const { data, response } = await ask({ max_tokens: 9 }).withResponse()
    return { id: data._request_id, header: response.headers.get('request-id'), call: response.headers.get('x-bursar-call') }
  },

  models: async () => {
    const names = []
    for await (const one of claude.models.list()) names.push(one.id)
    return names
  },

  model: () => claude.models.retrieve(model),

  model_unknown: () => claude.models.retrieve('claude-none'),

  at_once: async () => {
    const calls = await Promise.all(Array.from({ length: 20 }, () => ask({ max_tokens: 8 })))
    return calls.length
  },

  spent: () => refused('poor'),
  spent_streamed: () => refused('poor', { stream: true }),
  limited: () => refused('limited'),
  revoked: () => refused('revoked'),
  expired: () => refused('expired'),
  wrong_key: () => refused('sk-ant-something-else'),
  not_allowed: () => refused('picky'),
  not_served: () => ask({ model: 'llama-17' }),
  field_wrong: () => ask({ max_tokens: -1 }),
  provider_limits_rate: () => ask(note('fault=rate_limited'), { maxRetries: 0 }),
})
