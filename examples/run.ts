// npm run example -- 01: runs the example whose folder begins so; without a number, all of them.
import { readdirSync } from 'node:fs'

const wanted = process.argv[2] ?? ''
const folders = readdirSync(import.meta.dirname)
  .filter((name) => /^\d\d-/.test(name) && name.startsWith(wanted))
  .sort()
if (folders.length === 0) {
  console.error(`no example begins with "${wanted}"; examples/README.md lists them`)
  process.exitCode = 1
}
for (const folder of folders) await import(`./${folder}/main.ts`)
