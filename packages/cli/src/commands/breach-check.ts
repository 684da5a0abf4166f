import type { ItemKind } from '@glovebox/psi'
import { type Command, Option } from 'commander'
import type { Question } from '../breach/questions.ts'
import type { Asked } from '../breach/remote.ts'
import { readInput } from '../files.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { shorten, showBytes, showCount, showMs } from '../terminal/format.ts'
import { startStages } from '../terminal/progress.ts'
import { showTable } from '../terminal/table.ts'

interface CheckOptions extends ServiceOptions {
  readonly set?: string
  readonly file?: string
  readonly publicKey?: string
  /** False by --no-prefix. */
  readonly prefix?: boolean
  readonly json?: boolean
  readonly failOnBreach?: boolean
}

/** Of --fail-on-breach. */
const breachedCode = 3

export function addBreachCheck(breach: Command): void {
  const command = breach
    .command('check')
    .summary('ask whether passwords are in a list')
    .description(
      'Ask whether passwords are in a list that a server has. It learns how many are asked for, and nothing else of them.\n' +
        'They come from standard input, one a line, or from the export of a password manager (--file); at a terminal they are asked for, and not shown. They are never printed.',
    )
  addServiceOptions(command)
    .option('--set <name>', 'which set of the server (needed where it has several)')
    .option(
      '--file <export>',
      "a password manager's export: CSV of Chrome, Firefox, Bitwarden or Safari, or unencrypted JSON of Bitwarden",
    )
    .addOption(
      new Option(
        '--public-key <hex>',
        'accept answers under this key of the set alone (VOPRF), as its owner published it',
      ),
    )
    .option(
      '--no-prefix',
      'ask no set that queries tell a part of the OPRF output to, which says in which bucket an item is',
    )
    .option('--json', 'print a JSON array, [{"breached": …}, …], in the order of what was asked')
    .option('--fail-on-breach', `end with code ${breachedCode} where one is in the list`)
    .addHelpText('after', '\nThe exit code is 0 when the question was answered, whatever the answer.')
    .action(run)
}

async function run(options: CheckOptions): Promise<void> {
  const [{ readExport }, { questionsOf, readQuestions }, { openRemoteSet }] = await Promise.all([
    import('../breach/exports.ts'),
    import('../breach/questions.ts'),
    import('../breach/remote.ts'),
  ])
  // What is wrong with a file is said before a server is asked.
  const read = options.file === undefined ? undefined : readExport(await readInput(options.file), options.file)
  using set = await openRemoteSet(await openService(options), options)
  let found = false
  const ask = async (questions: readonly Question[]): Promise<Asked> => {
    using stages = startStages()
    const asked = await set.ask(questions, stages.update)
    stages.stop()
    found ||= asked.answers.some(({ breached }) => breached)
    return asked
  }

  if (read) {
    const questions = questionsOf(set.kind, read.entries)
    const asked = await ask(questions)
    const userless = read.entries.length - questions.length
    if (userless > 0) process.stderr.write(`${count(userless, 'log-in')} without a user left out\n`)
    if (read.empty > 0) process.stderr.write(`${count(read.empty, 'log-in')} without a password left out\n`)
    process.stdout.write(options.json ? jsonOf(asked) : exportText(asked, read.of))
  } else if (process.stdin.isTTY && !options.json) {
    for await (const question of typed(set.kind)) {
      const asked = await ask([question])
      process.stdout.write(`${sentence(asked.answers[0]!)}\n${costs(asked)}\n`)
    }
  } else {
    const questions = process.stdin.isTTY ? await allOf(typed(set.kind)) : await readQuestions(set.kind)
    const asked = await ask(questions)
    process.stdout.write(options.json ? jsonOf(asked) : linesText(asked))
  }
  if (found && options.failOnBreach) process.exitCode = breachedCode
}

/** Asked for at the terminal, one after the other. */
async function* typed(kind: ItemKind): AsyncGenerator<Question> {
  const [{ askHidden }, { questionOf }] = await Promise.all([
    import('../breach/ask.ts'),
    import('../breach/questions.ts'),
  ])
  const what = { passwords: 'Password', credentials: 'user:password', domains: 'Domain', bytes: 'Item' }[kind]
  for (;;) {
    const text = await askHidden(`${what} (not shown; empty to end): `)
    if (text === undefined || text === '') return
    yield questionOf(kind, text)
  }
}

async function allOf(questions: AsyncIterable<Question>): Promise<Question[]> {
  const all: Question[] = []
  for await (const question of questions) all.push(question)
  return all
}

type Answered = Asked['answers'][number]

function sentence({ breached, label }: Answered): string {
  if (!breached) return 'not in the list'
  return label === undefined ? 'IN THE LIST: do not use it anywhere' : `IN THE LIST: ${shown(label)}`
}

function jsonOf({ answers }: Asked): string {
  const rows = answers.map(({ breached, label, entry }) => ({
    breached,
    ...entry,
    ...(label !== undefined && { label }),
  }))
  return `${JSON.stringify(rows)}\n`
}

function linesText(asked: Asked): string {
  const lines = asked.answers.map((answer, i) => `line ${i + 1}: ${sentence(answer)}`)
  return `${lines.join('\n')}\n${summary(asked)}`
}

function exportText(asked: Asked, of: string): string {
  const rows = asked.answers.flatMap(({ breached, label, entry }) =>
    breached
      ? [
          [
            shorten(shown(entry!.name), 30),
            shorten(shown(entry!.username), 30),
            ...(label === undefined ? [] : [shorten(shown(label), 20)]),
            shown(entry!.url),
          ],
        ]
      : [],
  )
  const labelled = asked.answers.some(({ label }) => label !== undefined)
  const table = rows.length === 0 ? '' : `${showTable(['name', 'user', ...(labelled ? ['label'] : []), 'where'], rows)}`
  return `${table}${summary(asked, ` of ${of}`)}`
}

function summary(asked: Asked, whose = ''): string {
  const { answers } = asked
  const found = answers.filter(({ breached }) => breached).length
  const said = found === 0 ? 'none' : showCount(found)
  return `${said} of ${count(answers.length, 'entry', 'entries')}${whose} in the list${found === 0 ? '' : ': change them wherever they are used'}\n${costs(asked)}\n`
}

function costs({ uploadBytes, downloadBytes, totalMs, serverMs, bucketsTold }: Asked): string {
  const server = serverMs === undefined ? '' : `, of it ${showMs(serverMs)} at the server`
  const told = bucketsTold ? '; the server was told which buckets' : ''
  return `${showBytes(uploadBytes)} up, ${showBytes(downloadBytes)} down, ${showMs(totalMs)}${server}${told}`
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${showCount(n)} ${n === 1 ? one : many}`
}

/** Nothing of a file or a server changes the terminal. */
function shown(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}
