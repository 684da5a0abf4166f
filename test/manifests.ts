import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

export const deploy: string = join(import.meta.dirname, '../deploy')

/** As much of a Kubernetes object as the tests look at. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Labels; readonly annotations?: Labels }
  readonly spec?: Record<string, unknown>
  readonly data?: Labels
  readonly stringData?: Labels
}

export type Labels = Readonly<Record<string, string>>

/** Every object of deploy/kubernetes, with the file that it is in. */
export function manifests(): (Manifest & { readonly file: string })[] {
  const folder = join(deploy, 'kubernetes')
  return readdirSync(folder)
    .filter((name) => /\.yaml(\.example)?$/.test(name))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
        const [problem] = [...document.errors, ...document.warnings]
        if (problem) throw new Error(`${file}: ${problem.message}`)
        return { ...(document.toJS() as Manifest), file }
      }),
    )
}

export interface Instruction {
  readonly keyword: string
  readonly rest: string
}

/** Instructions of deploy/Dockerfile, stage by stage; continued lines are one. */
export function dockerfile(): Instruction[][] {
  const text = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
  const stages: Instruction[][] = []
  for (const line of text.split('\n').filter(Boolean)) {
    const [, keyword, rest] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
    if (keyword === undefined) throw new Error(`deploy/Dockerfile: ${line}`)
    if (keyword === 'FROM') stages.push([])
    stages.at(-1)!.push({ keyword, rest: rest! })
  }
  return stages
}
