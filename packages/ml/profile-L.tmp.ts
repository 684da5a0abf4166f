import { readFileSync } from 'node:fs'
import { importOnnx, importSklearn, compile, type Graph } from '@glovebox/ml'
const which = process.argv.slice(2)
function dense(sizes: number[], act: boolean): Graph {
  let s = 1; const next = () => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return s / 2 ** 31 - 1 }
  const nodes: any[] = [{ op: 'input', inputs: [], size: sizes[0], name: 'x' }]
  sizes.slice(1).forEach((rows, i) => {
    const columns = sizes[i]!
    const value = Float64Array.from({ length: rows * columns }, () => (2 * next()) / Math.sqrt(columns))
    const start = Int32Array.from({ length: rows + 1 }, (_, r) => r * columns)
    const index = Int32Array.from(value, (_, k) => k % columns)
    nodes.push({ op: 'affine', inputs: [nodes.length - 1], size: rows, name: `l${i}`, map: { matrix: { rows, columns, start, index, value }, bias: Float64Array.from({ length: rows }, next) } })
    if (i < sizes.length - 2) nodes.push(act ? { op: 'activation', inputs: [nodes.length - 1], size: rows, name: `relu${i}`, activation: { kind: 'Relu' } } : { op: 'multiply', inputs: [nodes.length - 1, nodes.length - 1], size: rows, name: `sq${i}` })
  })
  return { nodes, output: nodes.length - 1, inputShape: [sizes[0]!], outputShape: [sizes.at(-1)!], inputName: 'x', outputName: 'y' }
}
const models: Record<string, () => any> = {
  digits: () => importOnnx(readFileSync('models/digits/model.onnx')),
  heart: () => importSklearn(JSON.parse(readFileSync('models/heart/model.json', 'utf8'))),
  xray: () => importOnnx(readFileSync('models/xray/model.onnx')),
  relu: () => dense([784, 100, 10], true),
  square: () => dense([784, 100, 10], false),
  wide: () => dense([150000, 2], false),
  million: () => dense([1000000, 1], false),
}
for (const w of which.length ? which : Object.keys(models)) {
  const m = models[w]!()
  const t = performance.now()
  try { const p = compile(m); console.log(w, (performance.now() - t).toFixed(0), 'ms', p.packing, p.params.ringDegree, p.params.modulusBits.join('+'), p.relinearise, JSON.stringify(p.report.alternatives.map(a => [a.packing, a.ringDegree, a.milliseconds?.toFixed(2)]))) } catch (e) { console.log(w, (performance.now() - t).toFixed(0), (e as Error).message) }
}
