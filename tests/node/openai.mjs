import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'

import { BASE_URL, KEYS, countingFetch, run } from './cases.mjs'

const model = 'gpt-4o-mini'
const messages = [{ role: 'user', content: 'Say something about budgets.' }]
const pixel = 'data:image/png;base64,' + Buffer.from('\x89PNG\r\n\x1a\n' + '\0'.repeat(60), 'latin1').toString('base64')
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tell the weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
}
const forecast = [{ role: 'user', content: 'Please call weather for Oslo.' }]

const client = (name) => new OpenAI({ baseURL: `${BASE_URL}/v1`, apiKey: KEYS[name] ?? name, fetch: countingFetch })
const gpt = client('main')
const ask = (request, options) => gpt.chat.completions.create({ model, messages, ...request }, options)
const refused = (name, request) => client(name).chat.completions.create({ model, messages, ...request })
const all = async (stream) => {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

await run({
  whole: () => ask({ max_completion_tokens: 30 }),

  streamed: async () => all(await ask({ stream: true, user: 'sim:output_tokens=25' })),

  streamed_with_usage: async () =>
    all(await ask({ stream: true, stream_options: { include_usage: true }, max_tokens: 9 })),

  stream_helper: async () => {
    const text = []
    const stream = gpt.chat.completions.stream({ model, messages })
    stream.on('content', (delta) => text.push(delta))
    return { text: text.join('') || null, deltas: text, final: await stream.finalChatCompletion() }
  },

  stream_abandoned: async () => {
    const stream = await ask({ stream: true, user: 'sim:output_tokens=400' })
    for await (const chunk of stream) {
      stream.controller.abort()
      return { seen: chunk.object }
    }
  },

  tools: async () => {
    const first = await ask({ messages: forecast, tools: [weather] })
    const { message } = first.choices[0]
    const [call] = message.tool_calls
    const result = { role: 'tool', tool_call_id: call.id, content: '4 degrees, rain' }
    const second = await ask({ messages: [...forecast, message, result], tools: [weather] })
    return { first, second }
  },

  tools_streamed: async () => {
    const stream = gpt.chat.completions.stream({ model, messages: forecast, tools: [weather] })
    return stream.finalChatCompletion()
  },

  tools_run: async () => {
    const asked = []
    const run = {
      ...weather,
      function: {
        ...weather.function,
        parse: JSON.parse,
        function: ({ city }) => asked.push(city) && '4 degrees, rain',
      },
    }
    const runner = gpt.chat.completions.runTools({ model, messages: forecast, tools: [run] }, { maxChatCompletions: 1 })
    await runner.done()
    return { asked }
  },

  parsed: async () => {
    const Reason = z.object({ why: z.string(), sure: z.boolean() })
    const done = await gpt.chat.completions.parse({
      model,
      messages,
      response_format: zodResponseFormat(Reason, 'reason'),
    })
    return done.choices[0].message.parsed
  },

  images: () => {
    const parts = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'https://example.com/cat.png', detail: 'low' } },
      { type: 'image_url', image_url: { url: pixel, detail: 'low' } },
    ]
    return ask({ messages: [{ role: 'user', content: parts }] })
  },

  several: () => ask({ n: 2, max_tokens: 11 }),

  with_response: async () => {
    const { data, response, request_id } = await ask({}).withResponse()
    return { id: data._request_id, request_id, call: response.headers.get('x-bursar-call') }
  },

  models: async () => {
    const names = []
    for await (const one of gpt.models.list()) names.push(one.id)
    return names
  },

  model: () => gpt.models.retrieve(model),

  model_unknown: () => gpt.models.retrieve('gpt-none'),

  at_once: async () => {
    const calls = await Promise.all(Array.from({ length: 20 }, () => ask({ max_tokens: 8 })))
    return calls.length
  },

  spent: () => refused('poor', { max_tokens: 100 }),
  spent_streamed: () => refused('poor', { stream: true }),
  limited: () => refused('limited'),
  revoked: () => refused('revoked'),
  expired: () => refused('expired'),
  wrong_key: () => refused('sk-something-else'),
  not_allowed: () => refused('picky'),
  not_served: () => ask({ model: 'llama-17' }),
  field_wrong: () => ask({ max_tokens: -1 }),
  provider_limits_rate: () => ask({ user: 'sim:fault=rate_limited' }, { maxRetries: 0 }),
})
