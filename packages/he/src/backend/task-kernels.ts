import { type Kernels, kernelNames } from '../kernels/table.ts'

/** Kernels that return a number, and so cannot run later. */
export const answering: ReadonlySet<keyof Kernels> = new Set<keyof Kernels>(['sampleTernary', 'scaleRound', 'unpack'])

/** The table as a task of `ring.parallel` sees it: without the kernels that return a number. */
export function taskKernels(kernels: Kernels): Kernels {
  const refused = [...answering].map((name) => [
    name,
    () => {
      throw new Error(`"${name}" returns a number, and a parallel task runs later: call it outside of ring.parallel`)
    },
  ])
  return Object.fromEntries([...kernelNames.map((name) => [name, kernels[name]]), ...refused]) as Kernels
}
