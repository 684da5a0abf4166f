import type { Model } from '@glovebox/ml'
import type { Examples } from '../examples.ts'

/** What a training ends with, ready to be compiled. */
export interface Trained {
  /** What it is called where nobody says otherwise. */
  readonly name: string
  readonly model: Model
  /** Inputs of the graph that ranges are measured on, one after the other. */
  readonly calibration: Float64Array
  /** On data that took no part in training. */
  readonly metrics: Readonly<Record<string, number>>
  /** What the card says. */
  readonly about: About
  readonly examples: Examples
  /** Files to try it with, by their names. */
  readonly samples: Readonly<Record<string, Uint8Array>>
}

/** What people should know of a model. */
export interface About {
  readonly title: string
  readonly summary: string
  readonly rows: readonly (readonly [string, string])[]
  readonly accuracy: readonly (readonly [string, string])[]
  readonly data: string
  readonly training: string
  readonly limits: readonly string[]
}

/** Hears a line about each stretch of the training. */
export type Report = (line: string) => void

/** The card of a model, in the form of those that come with Glovebox. */
export function cardOf({ title, summary, rows, accuracy, data, training, limits }: About): string {
  const table = (lines: readonly (readonly [string, string])[]): string =>
    lines.map(([left, right]) => `| ${left} | ${right} |`).join('\n')
  return `# ${title}

${summary}

| | |
| --- | --- |
${table(rows)}

## Accuracy

| | |
| --- | --: |
${table(accuracy)}

## Data

${data}

## Training

${training}

## What it must not be used for

${limits.map((limit) => `- ${limit}`).join('\n')}
`
}
