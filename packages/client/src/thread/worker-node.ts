import { parentPort, workerData } from 'node:worker_threads'
import { fileStorage } from '../storage/files.ts'
import type { Start } from './backend.ts'
import type { Message } from './channel.ts'
import { serveSession } from './serve-session.ts'

// The thread of a Node program in which its keys are made and used.

const port = parentPort!
serveSession(
  {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on('message', (message: Message) => listener(message)),
  },
  workerData as Start,
  ({ directory }) => fileStorage(directory),
)
