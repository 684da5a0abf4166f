// node report.mjs REPORT FAILURES: prints how many tests of a vitest JSON report passed and failed, and adds what failed to a file.
import { appendFileSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [report, failures] = process.argv.slice(2)
const { numPassedTests, numFailedTests, success, testResults } = JSON.parse(readFileSync(report, 'utf8'))
const say = (where, what) =>
  appendFileSync(failures, `FAILED: ${where}\n${what.split('\n').slice(0, 8).join('\n').slice(0, 1500)}\n`)

for (const file of testResults) {
  const name = relative('.', file.name)
  const failed = file.assertionResults.filter((test) => test.status === 'failed')
  for (const test of failed) say(`${name}: ${test.fullName}`, test.failureMessages.join('\n'))
  if (file.status === 'failed' && failed.length === 0) say(name, file.message)
}
// A suite that could not even be collected has no failed test of its own, and neither has an error outside of every test.
const unnamed = success || numFailedTests > 0 ? 0 : 1
if (unnamed) say('an error outside of the tests', `${report} says success: false; the log above has the error`)
console.log(numPassedTests, numFailedTests + unnamed)
