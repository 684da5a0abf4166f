import type { Sample } from '@glovebox/client'
import { runBefore } from '@glovebox/ml'
import { readModel } from '../model-file.ts'
import { diverging } from '../terminal/charts.ts'
import { shorten, showCount } from '../terminal/format.ts'
import type { Demo, Outcome, Task } from './demo.ts'
import { accuracy } from './metrics.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { textReference } from './text-reference.ts'
import { cleanTweet, heldOutTweets, type Tweet } from './tweets.ts'

interface Written {
  readonly samples: readonly { readonly text: string; readonly written: string }[]
}

export const demo: Demo = {
  name: 'sentiment',
  summary: 'whether a tweet is positive or negative',
  question:
    'Is this tweet positive or negative? Logistic regression on 150,000 encrypted numbers: its words and pairs of words, hashed.',
  before: 'under 1 s for 150,000 features (by 2021)',
  samples: { usual: 12, most: 100_000 },
  async load({ samples, data }): Promise<Task> {
    const model = await readModel(await modelFile('sentiment', 'model.json'))
    const written = (await readModelJson<Written>('sentiment', 'synthetic.json')).samples.map(
      ({ text, written }): Tweet => ({ text, label: written }),
    )
    const tweets =
      data === undefined
        ? Array.from({ length: samples }, (_, i) => written[i % written.length]!)
        : await heldOutTweets(data, samples)
    const texts = tweets.map(({ text }) => cleanTweet(text))
    const truth = tweets.map(({ label }) => label)
    const reference = textReference(await readModelJson('sentiment', 'model.json'))
    const hashed = written.slice(0, calibration).map(({ text }) => runBefore(model.before, [cleanTweet(text)]))
    const numbers = new Float64Array(hashed.length * hashed[0]!.length)
    hashed.forEach((values, i) => {
      numbers.set(values, i * values.length)
    })
    return {
      model,
      compile: { samples: numbers },
      inputs: texts as readonly Sample[],
      provenance: data === undefined ? 'synthetic' : 'real',
      source:
        data === undefined
          ? `${showCount(texts.length)} sentences written for this demo, none of them a tweet`
          : `${showCount(texts.length)} tweets that were held out`,
      together: 1,
      metric: {
        name: 'accuracy',
        score: (outputs) =>
          accuracy(
            outputs.map((row) => (row[0]! > 0 ? 'positive' : 'negative')),
            truth,
          ),
      },
      reference: () => texts.map((text) => [reference(text)]),
      picture: (outcome, columns) => showTweets(outcome, tweets, columns),
    }
  },
}

/** Texts that ranges are measured on. */
const calibration = 8
const shown = 12
const side = 10
const mark = '✗'

function showTweets({ answers }: Outcome, tweets: readonly Tweet[], columns: number): string {
  const room = columns - 2 * side - 13
  const lines = answers.slice(0, shown).map(({ values, label }, i) => {
    const positive = values.at(-1)!
    const { text, label: truth } = tweets[i]!
    const right = label === truth ? ' ' : mark
    const one = cleanTweet(text).replace(/\s+/g, ' ').trim()
    return `${diverging(2 * positive - 1, side)} ${`${(100 * Math.max(positive, 1 - positive)).toFixed(0)} %`.padStart(5)} ${right} ${shorten(one, room)}`
  })
  const wrong = lines.some((line) => line.includes(mark))
  const header = `${'negative'.padStart(side)} ${'positive'.padEnd(side)}`
  return [header, ...lines, ...(wrong ? ['', `${mark} not what its label says`] : [])].join('\n')
}
