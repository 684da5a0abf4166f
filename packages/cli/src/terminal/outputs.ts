import type { Answer } from '@glovebox/ml'

/** Of `--json`, where outputs are printed. */
export const outputsHelp =
  'print {"outputs": [[…], …]}, one row for each sample, and "answers" where the client makes more of them: probabilities, classes, contributions'

/** Raw outputs as the JSON that scripts read: one row for each sample; with what they say, where the model knows more than numbers. */
export function outputsJson(outputs: readonly Float64Array[], answers: readonly Answer[]): string {
  const says = answers.some((answer, i) => saysMore(answer, outputs[i]!))
  return JSON.stringify({ outputs: outputs.map((row) => [...row]), ...(says && { answers }) })
}

/** The same for people: what is said, or the index of the largest output and all of them. */
export function outputsText(outputs: readonly Float64Array[], answers: readonly Answer[]): string {
  return outputs.map((row, i) => `sample ${i}: ${showAnswer(row, answers[i]!)}`).join('\n')
}

function saysMore({ values, label, names, contributions }: Answer, row: Float64Array): boolean {
  return (
    label !== undefined || names !== undefined || contributions !== undefined || values.some((v, i) => v !== row[i])
  )
}

function showAnswer(row: Float64Array, answer: Answer): string {
  if (!saysMore(answer, row))
    return `${row.length > 1 ? `largest at ${largest(row)}  ` : ''}[${[...row].map(short).join(', ')}]`
  const { values, label, names, contributions, probabilities } = answer
  const show = (value: number): string => (probabilities ? `${(100 * value).toFixed(2)} %` : short(value))
  const shown = values.map((value, i) => (names ? `${names[i]} ${show(value)}` : show(value)))
  const parts =
    contributions &&
    [...contributions].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, mostContributions)
  return [
    ...(label === undefined ? [] : [label]),
    shown.join(', '),
    ...(parts
      ? [`mostly ${parts.map(({ name, value }) => `${name} ${value < 0 ? '' : '+'}${value.toFixed(2)}`).join(', ')}`]
      : []),
  ].join('; ')
}

/** Contributions that a line shows. */
const mostContributions = 5

/** The index of the largest value: the class that a classifier chose. */
export function largest(row: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i
  return best
}

function short(value: number): string {
  return value.toPrecision(5)
}
