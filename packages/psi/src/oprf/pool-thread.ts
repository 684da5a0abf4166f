import { parentPort, workerData } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import { hardenerOf } from '../items/harden-node.ts'
import { outputBytes } from './group.ts'
import { decodeOprfKey } from './key.ts'
import type { Answer, Task, ThreadData } from './pool-messages.ts'
import { evaluateBlinded, evaluateInput, multiplyBatch } from './sender.ts'
import { openSodiumGroup } from './sodium-group.ts'

// A thread of `createEvaluationPool`.

const { key: encoded, hardening } = workerData as ThreadData
const group = await openSodiumGroup()
const key = decodeOprfKey(encoded, 'the key of the pool', group)
encoded.fill(0)
const harden = hardenerOf(hardening)

function answer(task: Task): Answer {
  if (task.kind === 'items') return { elements: evaluateItems(task.bytes, task.ends), proof: undefined }
  if (key.mode === 'voprf') return evaluateBlinded(key, task.elements, { group })
  return { elements: multiplyBatch(key, task.elements, group, task.first), proof: undefined }
}

function evaluateItems(bytes: Uint8Array, ends: Uint32Array): Uint8Array {
  const outputs = new Uint8Array(ends.length * outputBytes)
  let start = 0
  for (const [i, end] of ends.entries()) {
    outputs.set(evaluateInput(key, harden(bytes.subarray(start, end)), group), i * outputBytes)
    start = end
  }
  return outputs
}

parentPort?.on('message', (task: Task) => {
  let said: Answer
  try {
    said = answer(task)
  } catch (error) {
    const code = error instanceof GloveboxError ? error.code : undefined
    said = { error: { code, message: error instanceof Error ? error.message : 'no error' } }
  }
  parentPort?.postMessage(said, 'error' in said ? [] : [said.elements.buffer as ArrayBuffer])
})
