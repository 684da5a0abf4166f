import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Where it is typed, and where the question stands. */
export interface AskStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/**
 * A line that is typed at the terminal and not shown there; undefined where it ends without one (Ctrl-D, Ctrl-C). It is in no history.
 * `question` stands in front, on standard error.
 */
export function askHidden(
  question: string,
  { input, output }: AskStreams = { input: process.stdin, output: process.stderr },
): Promise<string | undefined> {
  // Readline draws what is typed; it draws into nothing.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  output.write(question)
  return new Promise((resolve) => {
    const line = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
    let typed: string | undefined
    line.once('line', (text) => {
      typed = text
      line.close()
    })
    line.once('SIGINT', () => line.close())
    line.once('close', () => {
      output.write('\n')
      input.pause()
      resolve(typed)
    })
  })
}
