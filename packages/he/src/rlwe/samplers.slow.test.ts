import { describe, expect, test } from 'vitest'
import { ternarity } from '../test-support/sampler-statistics.ts'
import { mapped, samplerSuite, ternaryDraws } from '../test-support/sampler-suite.ts'

const draws = 10_000_000

samplerSuite(draws, (name, values) => {
  const shown = Object.entries(values).map(([what, p]) => `${what} ${p.toPrecision(3)}`)
  console.log(`${name.padEnd(40)} ${shown.join(', ')}`)
})

describe('ten million draws tell', () => {
  test('a byte modulo 3 without rejection: 86 to 85 to 85', () => {
    // One value in 256 is moved to -1, as the byte 255 would be.
    const biased = mapped(ternaryDraws(draws), (x, i) => ((i * 2654435761) % 2 ** 32 < 2 ** 24 ? -1 : x))
    expect(ternarity(biased).values).toBeLessThan(1e-9)
  })
})
