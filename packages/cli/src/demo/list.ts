import type { Demo } from './demo.ts'

/** Every demo by its name, loaded when it is asked for. */
export const demos: ReadonlyMap<string, () => Promise<Demo>> = new Map([
  ['digits', async () => (await import('./digits.ts')).demo],
  ['heart', async () => (await import('./heart.ts')).demo],
  ['mortality', async () => (await import('./mortality.ts')).demo],
  ['fraud', async () => (await import('./fraud.ts')).demo],
  ['claims', async () => (await import('./claims.ts')).demo],
  ['threat', async () => (await import('./threat.ts')).demo],
  ['flowering', async () => (await import('./flowering.ts')).demo],
  ['flowering-53859', async () => (await import('./flowering.ts')).realDemo],
  ['sentiment', async () => (await import('./sentiment.ts')).demo],
  ['digits-linear', async () => (await import('./digits-linear.ts')).demo],
  ['digits-batch', async () => (await import('./digits-batch.ts')).demo],
  ['pets', async () => (await import('./pets.ts')).demo],
  ['xray', async () => (await import('./xray.ts')).demo],
  ['fitness', async () => (await import('./fitness.ts')).demo],
  ['maintenance', async () => (await import('./maintenance.ts')).demo],
  ['weather', async () => (await import('./weather.ts')).demo],
])
