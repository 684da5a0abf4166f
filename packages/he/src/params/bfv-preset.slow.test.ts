import { expect, test } from 'vitest'
import { planPreset } from './presets.ts'

test.each([20, 30])('budgets are finite however large the modulus, with %i bits', (plaintextBits) => {
  for (let depth = 20; depth <= 40; depth++) {
    let budgets: readonly number[]
    try {
      budgets = planPreset({ scheme: 'bfv', depth, plaintextBits }).budgets
    } catch (error) {
      expect(error).toMatchObject({ code: 'unsupported' })
      continue
    }
    expect(budgets.every((bits) => bits > 0 && bits < 1800)).toBe(true)
    for (let i = 0; i < depth; i++) expect(budgets[i]).toBeGreaterThan(budgets[i + 1]! + plaintextBits)
  }
})
