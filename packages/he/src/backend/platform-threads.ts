// Threads of Node (node:worker_threads) and of browsers (Worker) behind one door. Node's module is asked for at run time, so that no bundler sees an
// import of Node; the code of a thread is a string, so that no bundler needs to place a file.

/** A thread that was started. */
export interface Thread {
  end(): void
}

interface NodeWorker {
  on(event: 'error' | 'exit', listener: () => void): void
  unref(): void
  terminate(): Promise<number>
}
interface NodeThreads {
  readonly Worker: new (source: string, options: { eval: true; workerData: object; execArgv: string[] }) => NodeWorker
}
interface Globals {
  readonly process?: { readonly getBuiltinModule?: (id: 'node:worker_threads') => NodeThreads | undefined }
  readonly navigator?: { readonly hardwareConcurrency?: number }
  readonly crossOriginIsolated?: boolean
}
const globals = globalThis as Globals

/** Threads that the machine runs at once, the caller's among them. */
export function hardwareThreads(): number {
  return globals.navigator?.hardwareConcurrency ?? 1
}

/** False on a page that is not cross-origin isolated: there no memory can be shared, so that there are no threads. */
export function canShareMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && globals.crossOriginIsolated !== false
}

/** The main thread of a page must not sleep: `Atomics.wait` throws there. */
export function canSleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0)
    return true
  } catch {
    return false
  }
}

/**
 * Starts a thread on `source`, which finds `data` as `workerData` of node:worker_threads or in its first message. It does not keep the process
 * alive. undefined where threads cannot be started; `died` is called when it ended by itself, or never came up.
 */
export function startThread(source: string, data: object, died: () => void): Thread | undefined {
  const node = globals.process?.getBuiltinModule?.('node:worker_threads')
  try {
    return node ? startInNode(node, source, data, died) : startInBrowser(source, data, died)
  } catch {
    return undefined
  }
}

function startInNode({ Worker: NodeWorker }: NodeThreads, source: string, data: object, died: () => void): Thread {
  // Without the flags of the process: loaders and conditions are nothing to a thread that imports nothing.
  const worker = new NodeWorker(source, { eval: true, workerData: data, execArgv: [] })
  // An error is followed by the exit; without a listener it would be the process's.
  worker.on('error', () => undefined)
  worker.on('exit', died)
  worker.unref()
  return { end: () => void worker.terminate() }
}

function startInBrowser(source: string, data: object, died: () => void): Thread | undefined {
  if (typeof Worker !== 'function') return undefined
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.onerror = () => died()
  worker.onmessage = () => URL.revokeObjectURL(url)
  worker.postMessage(data)
  return {
    end() {
      worker.terminate()
      URL.revokeObjectURL(url)
    },
  }
}
