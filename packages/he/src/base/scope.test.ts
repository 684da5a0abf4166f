import { expect, test } from 'vitest'
import { createScope } from './scope.ts'

test('a scope disposes of its values once, the last one first, whatever one of them throws', () => {
  const seen: string[] = []
  const value = (name: string, fails = false): Disposable => ({
    [Symbol.dispose]() {
      seen.push(name)
      if (fails) throw new Error(name)
    },
  })
  const scope = createScope()
  scope.use(value('a'))
  scope.use(value('b', true))
  scope.use(value('c'))
  expect(() => scope.dispose()).toThrow('b')
  expect(seen).toEqual(['c', 'b', 'a'])
  scope[Symbol.dispose]()
  expect(seen).toHaveLength(3)
})
