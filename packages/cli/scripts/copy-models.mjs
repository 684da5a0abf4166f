// Copies the models that the command brings along into its build, so that the packed package has them.
import { cpSync, mkdirSync } from 'node:fs'

const models = ['digits']
const root = new URL('../../../', import.meta.url)
for (const name of models) {
  const target = new URL(`packages/cli/dist/models/${name}/`, root)
  mkdirSync(target, { recursive: true })
  cpSync(new URL(`models/${name}/model.onnx`, root), new URL('model.onnx', target))
}
