import { glovebox } from '@glovebox/client'

/** Bundled into a page of its own: one private prediction, as an application makes it. */
export async function predict(
  name: string,
  input: readonly number[],
): Promise<{ label: unknown; trace: unknown; ms: number }> {
  const service = glovebox(location.origin, { worker: true })
  const model = await service.model(name)
  const { label, trace } = await model.predict(input)
  // Since the tab began to load the page.
  return { label, trace, ms: performance.now() }
}
