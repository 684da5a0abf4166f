// npm start: the service with the models of the gallery and its console, at http://localhost:8080. Builds what is not built; arguments go to glovebox serve.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const dist = new URL('../packages/cli/dist/', import.meta.url)
if (!['main.js', 'console/index.html', 'models/digits/model.onnx'].every((file) => existsSync(new URL(file, dist)))) {
  const { status } = spawnSync('npm', ['run', 'build'], { stdio: 'inherit', cwd: new URL('..', import.meta.url) })
  if (status !== 0) process.exit(status ?? 1)
}
const command = fileURLToPath(new URL('../packages/cli/bin/glovebox.js', import.meta.url))
const args = [command, 'serve', '--gallery', '--open', ...process.argv.slice(2)]
const child = spawn(process.execPath, args, { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('close', (code, signal) => {
  // npm may have left a turning sign there.
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  process.exit(code ?? (signal ? 1 : 0))
})
