// Copies what the demos and the gallery read of all models into the build of the command, so that the packed package has it.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'

const models = new URL('../../../models/', import.meta.url)
const target = new URL('../dist/models/', import.meta.url)
const wanted = /^(model.*\.(json|onnx)|(synthetic|test|examples|metrics)\.json|README\.md)$/

// What an earlier build copied of a model that is no more.
rmSync(target, { recursive: true, force: true })
for (const folder of readdirSync(models, { withFileTypes: true })) {
  if (!folder.isDirectory()) continue
  const source = new URL(`${folder.name}/`, models)
  const files = readdirSync(source).filter((file) => wanted.test(file))
  const place = new URL(`${folder.name}/`, target)
  if (files.length > 0) mkdirSync(place, { recursive: true })
  for (const file of files) cpSync(new URL(file, source), new URL(file, place))
}
