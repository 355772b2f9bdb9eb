import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { Output, generateText, stepCountIs, streamText, tool } from 'ai'
import { z } from 'zod'

import { BASE_URL, KEYS, countingFetch, run } from './cases.mjs'

globalThis.AI_SDK_LOG_WARNINGS = false

const settings = (name) => ({ baseURL: `${BASE_URL}/v1`, apiKey: KEYS[name], fetch: countingFetch })
const models = (name) => ({
  openai: createOpenAI(settings(name)).chat('gpt-4o-mini'),
  anthropic: createAnthropic(settings(name))('claude-haiku-4-5'),
})
const prompt = 'Say something about budgets.'
const weather = tool({
  description: 'Tell the weather',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, degrees: 4 }),
})
const Reason = z.object({ why: z.string(), sure: z.boolean() })

function casesOf(vendor) {
  const model = models('main')[vendor]
  const spent = models('poor')[vendor]
  return {
    whole: async () => {
      const { text, usage } = await generateText({ model, prompt, maxOutputTokens: 30 })
      return { text, usage }
    },
    streamed: async () => {
      const result = streamText({ model, prompt, maxOutputTokens: 30 })
      const parts = []
      for await (const part of result.textStream) parts.push(part)
      return { parts, usage: await result.usage }
    },
    tools: async () => {
      const asked = 'Please call weather for Oslo.'
      const { steps } = await generateText({ model, prompt: asked, tools: { weather }, stopWhen: stepCountIs(2) })
      return steps.map((step) => ({ calls: step.toolCalls.length, results: step.toolResults.length, usage: step.usage }))
    },
    parsed: async () => {
      const { output } = await generateText({ model, prompt, output: Output.object({ schema: Reason }) })
      return output
    },
    spent: () => generateText({ model: spent, prompt, maxOutputTokens: 100 }),
    spent_streamed: async () => {
      let caught = null
      const result = streamText({ model: spent, prompt, maxOutputTokens: 100, onError: ({ error }) => (caught = error) })
      await result.consumeStream()
      throw caught
    },
  }
}

for (const vendor of ['openai', 'anthropic']) {
  await run(Object.fromEntries(Object.entries(casesOf(vendor)).map(([name, play]) => [`${vendor}_${name}`, play])))
}
