import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFairQueue, type FairQueue } from './fair-queue.ts'

const any = (): boolean => true

/** Serves so many items that take `cost` each; the tenants in order. */
function serve(queue: FairQueue<string>, count: number, cost: (tenant: string) => number): string[] {
  return Array.from({ length: count }, () => {
    const tenant = queue.take(any)!
    queue.charge(tenant, cost(tenant))
    return tenant
  })
}

test('a modest tenant is served at once beside a greedy one', () => {
  const queue = createFairQueue<string>()
  for (let i = 0; i < 100; i++) queue.push('greedy', 'greedy')
  serve(queue, 20, () => 10)
  queue.push('modest', 'modest')
  queue.push('modest', 'modest')
  expect(serve(queue, 4, () => 10).filter((name) => name === 'modest')).toHaveLength(2)
})

test('time is shared, not numbers', () => {
  const queue = createFairQueue<string>()
  for (let i = 0; i < 100; i++) {
    queue.push('long', 'long')
    queue.push('short', 'short')
  }
  const served = serve(queue, 66, (tenant) => (tenant === 'long' ? 100 : 10))
  const count = (tenant: string): number => served.filter((name) => name === tenant).length
  expect(count('short') / count('long')).toBeGreaterThan(8)
  expect(count('long')).toBeGreaterThan(4)
})

test('who was idle saves nothing up', () => {
  const queue = createFairQueue<string>()
  for (let i = 0; i < 50; i++) queue.push('busy', 'busy')
  serve(queue, 30, () => 10)
  for (let i = 0; i < 20; i++) queue.push('idle', 'idle')
  const served = serve(queue, 20, () => 10)
  expect(served.filter((name) => name === 'busy').length).toBeGreaterThanOrEqual(9)
})

test('a tenant that asks one at a time is not ahead of one with a line', () => {
  const queue = createFairQueue<string>()
  for (let i = 0; i < 50; i++) queue.push('line', 'line')
  const served: string[] = []
  for (let i = 0; i < 20; i++) {
    if (queue.count('single') === 0) queue.push('single', 'single')
    served.push(...serve(queue, 1, () => 10))
  }
  expect(served.filter((name) => name === 'line').length).toBeGreaterThanOrEqual(9)
})

test('what is not wanted now keeps its place; what is behind it goes first', () => {
  const queue = createFairQueue<number>()
  for (const n of [1, 2, 3]) queue.push('a', n)
  expect(queue.take((n) => n === 2)).toBe(2)
  expect(queue.take(() => false)).toBeUndefined()
  expect([queue.take(any), queue.take(any), queue.take(any)]).toEqual([1, 3, undefined])
})

test('the newest of the longest line gives way', () => {
  const queue = createFairQueue<number>()
  for (const n of [1, 2, 3]) queue.push('a', n)
  queue.push('b', 4)
  expect(queue.dropLongest(3)).toBeUndefined()
  expect(queue.dropLongest(2)).toBe(3)
  expect(queue.counts()).toEqual({ a: 2, b: 1 })
})

test('nothing is lost or comes twice, and each tenant keeps its order', () => {
  const step = fc.oneof(
    fc.record({ push: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ charge: fc.integer({ min: 0, max: 100 }) }),
    fc.record({ remove: fc.nat(30) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = createFairQueue<{ tenant: string; n: number }>()
      const all: { tenant: string; n: number }[] = []
      const left = new Set<{ tenant: string; n: number }>()
      const out: { tenant: string; n: number }[] = []
      const takeOne = (cost: number): void => {
        const item = queue.take(any)
        expect(item === undefined).toBe(left.size === 0)
        if (!item) return
        expect(left.delete(item)).toBe(true)
        out.push(item)
        queue.charge(item.tenant, cost)
      }
      for (const s of steps) {
        if ('push' in s) {
          const item = { tenant: s.push, n: all.length }
          all.push(item)
          left.add(item)
          queue.push(item.tenant, item)
        } else if ('remove' in s) {
          const item = all[s.remove]
          if (item) expect(queue.remove(item.tenant, item)).toBe(left.delete(item))
        } else takeOne(s.charge)
        expect(queue.length).toBe(left.size)
      }
      while (left.size > 0) takeOne(1)
      for (const tenant of 'abc') {
        const order = out.filter((item) => item.tenant === tenant).map(({ n }) => n)
        expect(order).toEqual([...order].sort((x, y) => x - y))
      }
    }),
  )
})
