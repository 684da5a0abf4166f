import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSet } from '../src/database/set.ts'
import { standIn, textEntries } from './clear.ts'

// Builds a set, or goes on with it, and says on standard output what it has committed, until it is killed: `node build-child.ts DIRECTORY ITEMS`.

const [, , directory, items] = process.argv
using set = openSet(directory!)
const entries = textEntries(0, Number(items), set.params.labelBytes)
await set.build(entries, {
  evaluate: async (batch) => {
    await sleep(4)
    return standIn(batch)
  },
  batchItems: 100,
  commitBytes: 20_000,
  // One write of a short line to a pipe is whole or not there.
  onProgress: ({ stage, done }) => void writeSync(1, `${stage} ${done}\n`),
})
