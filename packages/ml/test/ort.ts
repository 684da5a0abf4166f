import * as ort from 'onnxruntime-web'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'error'

/** onnxruntime's answer for a batch of samples of a shape. */
export async function runOrt(
  model: Uint8Array,
  sample: readonly number[],
  samples: Float64Array,
): Promise<Float64Array> {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'], logSeverityLevel: 3 })
  const batch = samples.length / sample.reduce((a, b) => a * b, 1)
  const feeds = { [session.inputNames[0]!]: new ort.Tensor('float32', Float32Array.from(samples), [batch, ...sample]) }
  const results = await session.run(feeds)
  await session.release()
  return Float64Array.from(results[session.outputNames[0]!]!.data as Float32Array)
}
