import type { Demo } from './demo.ts'

/** Every demo by its name, loaded when it is asked for. */
export const demos: ReadonlyMap<string, () => Promise<Demo>> = new Map([
  ['heart', async () => (await import('./heart.ts')).demo],
  ['digits-linear', async () => (await import('./digits-linear.ts')).demo],
])
