import { expect, test } from 'vitest'
import { bundleClient } from '../packages/client/test/page.ts'

// What a page loads to make private predictions: all files, kernels and worker included.

/** Of all files together, gzipped. */
const ceiling = 150_000
/** Of what runs on the page itself; the rest is the worker's. */
const pageCeiling = 8000

test('the client for browsers stays small, and asks for nothing of Node', async () => {
  const files = await bundleClient()
  const sizes = files.map(({ name, gzipped }) => `${name}: ${gzipped}`)
  console.log(`the client in a browser, gzipped: ${sizes.join(', ')} bytes`)
  const [page, worker, ...others] = files
  expect(others).toEqual([])
  expect(page!.gzipped + worker!.gzipped).toBeLessThan(ceiling)
  expect(page!.gzipped).toBeLessThan(pageCeiling)
  // The kernels are in the worker, and nowhere else.
  expect(worker!.gzipped).toBeGreaterThan(40_000)
  for (const { code } of files) expect(code).not.toMatch(/["'`]node:(?!v8|worker_threads)|require\(|\bimport\(/)
})
