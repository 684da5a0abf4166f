// 11 — Private predictions
//
// From a trained model to an answer that the server cannot read. First a logistic regression, as scikit-learn writes it, and what the compiler makes of it; then a
// network with ReLU, which is no polynomial and has to become one. Client and server are two halves of this program; only bytes go between them.
//
//     npm run example -- 11

import { answerOf, createKeys, decryptReply, encryptQuery, openModel, type Sample } from '@glovebox/client'
import {
  type Alternative,
  type ApproximateOptions,
  approximate,
  bundle,
  compile,
  importSklearn,
  type Model,
  type Program,
  parseActivations,
  runBefore,
  runClear,
  showProgram,
  simulate,
} from '@glovebox/ml'
import { runQuery } from '@glovebox/server'
import { bytes, check, numbers, refused, section, show, timed, title } from '../print.ts'

title('11  Private predictions')

// What models/export_sklearn.py writes for make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()). The numbers are made up.
const file = {
  format: 'glovebox-sklearn',
  version: 1,
  name: 'risk',
  columns: [{ name: 'age' }, { name: 'pressure' }, { name: 'cholesterol' }, { name: 'cigarettes' }],
  steps: [
    { type: 'SimpleImputer', statistics_: [49, 128, 234, 0], missing_values: null },
    { type: 'StandardScaler', mean_: [49.6, 132, 237, 8.8], scale_: [8.6, 21.6, 44.4, 11.8] },
    {
      type: 'LogisticRegression',
      coef_: [[0.55, 0.31, 0.12, 0.23]],
      intercept_: [-1.97],
      classes_: ['healthy', 'ill'],
      multi_class: 'ovr',
    },
  ],
}

// A model has three parts. What comes before and after the graph is the client's, done in the clear and public: the means of the scaler are handed to everybody.
// The weights are in the graph alone.
section('the model')
const risk = importSklearn(file)
const ops = (steps: readonly { readonly op: string }[]): string => steps.map(({ op }) => op).join(', ')
show('the client, before', ops(risk.before))
show('the server', ops(risk.graph.nodes))
show('the client, after', ops(risk.after))

// The compiler measures magnitudes on samples, so that scales are neither too small for precision nor too large for the modulus. They are inputs of the graph: rows go
// through `before` first. Ranges of samples are published with the model, so take inputs that may be: here a grid of plausible people.
const people: Sample[] = [35, 50, 65].flatMap((age) =>
  [100, 130, 180].map((pressure) => [age, pressure, 150 + pressure, age % 20]),
)
const numbersOf = ({ before }: Model, samples: readonly Sample[]): Float64Array =>
  Float64Array.from(samples.flatMap((sample) => [...runBefore(before, sample as number[])]))
const program = timed('compiled in', () => compile(risk, { samples: numbersOf(risk, people) }))
console.log(showProgram(program).trimEnd().replace(/^/gm, '  '))

// It tried several ways to lay numbers out in ciphertexts, and took the one of the least price: compute on one thread and transport of all bytes. An affine model for one person
// fits into coefficients, which takes no key but the secret one.
section('what else it looked at')
const price = ({ packing, ringDegree, milliseconds, keyBytes = 0, reason }: Alternative): void =>
  show(
    `${packing}, N = ${ringDegree}`,
    reason ?? `${milliseconds!.toFixed(2)} ms a prediction, keys ${bytes(keyBytes)}`,
  )
program.report.alternatives.forEach(price)

// Many at once are cheaper in another packing: one ciphertext for each feature, a person in each of its places.
const many = compile(risk, { samples: numbersOf(risk, people), batchSize: 2000 })
show('for 2,000 people at once', `${many.packing}, ${many.report.alternatives[0]!.bytes!.toFixed(0)} bytes a person`)

// Before anything is encrypted, the same program runs on plain numbers with modelled noise. That is how much to expect: four standard deviations, against the largest output.
section('simulated')
const clear = runClear(risk.graph, numbersOf(risk, people))
const promised = program.report.relativeError * program.report.largestOutput
show('errors promised', `up to ${promised.toExponential(1)}`)
check('simulated', simulate(program, numbersOf(risk, people)), clear, promised)

/** The whole way. The server's half sees three byte arrays and gives one back. */
function predict(name: string, compiled: Program, samples: readonly Sample[]): Float64Array {
  const parts = bundle(compiled)
  const model = openModel(parts.client)
  using keys = timed(`${name}: keys made`, () => createKeys(model))
  const query = encryptQuery(model, keys.secret, samples)
  const { reply, computeMs } = runQuery(parts.server, keys.evaluation, query)
  const outputs = decryptReply(model, keys.secret, reply, { count: samples.length })
  const sizes = [keys.evaluation, query, reply].map((frame) => bytes(frame.length))
  show(`${name}: keys, query, reply`, sizes.join(', '))
  show(`${name}: server computed`, `${(computeMs / samples.length).toFixed(2)} ms each`)
  const { label, values } = answerOf(model, outputs[0]!)
  show(`${name}: the first answer`, `${label}, ${numbers(values, 2, 3)}`)
  return Float64Array.from(outputs.flatMap((output) => [...output]))
}

section('encrypted')
check('one person', predict('one', program, people.slice(0, 1)), clear.slice(0, 1), promised)
check('all of them in a batch', predict('batch', many, people), clear, promised)

// Rows may name their columns, and may lack some: the client fills them in. It refuses what the program cannot hold, and names the column, never the value.
const { client } = bundle(program)
const model = openModel(client)
using keys = createKeys(model)
const partial = encryptQuery(model, keys.secret, [{ age: 61, pressure: 150, cigarettes: 20 }])
show('a row without cholesterol', bytes(partial.length))
refused('a person of 5,000 years', () => encryptQuery(model, keys.secret, [{ age: 5000 }]))
refused('a column that there is not', () => encryptQuery(model, keys.secret, [{ agee: 50 }]))

// Now a network, 2 → 8 → 1, with ReLU. Its weights are by hand: each hidden unit looks in one direction from the origin, so that their sum grows with the distance.
const directions = Array.from({ length: 8 }, (_, k) => (k * Math.PI) / 4)
const ring = importSklearn({
  format: 'glovebox-sklearn',
  version: 1,
  name: 'ring',
  columns: 2,
  steps: [
    {
      type: 'MLPClassifier',
      coefs_: [[directions.map(Math.cos), directions.map(Math.sin)], directions.map(() => [4])],
      intercepts_: [directions.map(() => -0.3), [-3]],
      activation: 'relu',
      classes_: ['inside', 'outside'],
    },
  ],
})
const grid: Sample[] = Array.from({ length: 289 }, (_, i) => [(i % 17) / 8 - 1, Math.floor(i / 17) / 8 - 1])
const points = numbersOf(ring, grid)

// Under encryption there are sums and products only. On the range that the samples lead to, and a margin, each activation is replaced by a polynomial. Its degree grows
// until the output of the model is as near as a budget says: root mean square of the error, relative to that of the outputs. More degrees cost more levels.
section('a network with ReLU')
const exact = runClear(ring.graph, points)
const outside = (values: Float64Array): boolean[] => Array.from(values, (value) => value > 0)
function sameAs(values: Float64Array): string {
  const truth = outside(exact)
  const same = outside(values).filter((one, i) => one === truth[i]).length
  return `${((100 * same) / truth.length).toFixed(1)} %`
}
function look(name: string, activations: ApproximateOptions): void {
  const { graph, report } = approximate(ring.graph, points, activations)
  const [relu] = report.activations
  show(
    `${name}: degree ${relu!.degree}, error ≤ ${relu!.maxError.toFixed(3)}`,
    `output ${(100 * report.accuracy!.relativeError).toFixed(1)} % off, ${sameAs(runClear(graph, points))} the same answers`,
  )
}
look('budget 20 %', { budget: { relativeError: 0.2 } })
look('budget 10 %', { budget: { relativeError: 0.1 } })
look('relu=6', { rules: parseActivations(['relu=6']) })
look('relu=minimax:6', { rules: parseActivations(['relu=minimax:6']) })

// ReLU has a kink, so its best polynomials come nearer only like 1/degree: answers close to the border are the price. And beyond the interval nothing holds at all.
const { graph: bent, report } = approximate(ring.graph, points, { budget: { relativeError: 0.1 } })
show('made for', `[${report.activations[0]!.interval.map((end) => end.toFixed(2)).join(', ')}]`)
for (const reach of [1, 2, 4]) {
  const far = Float64Array.of(reach, 0)
  show(`at (${reach}, 0): exact, polynomial`, [ring.graph, bent].map((g) => runClear(g, far)[0]!.toFixed(2)).join(', '))
}

section('the network, encrypted')
const network = timed('compiled in', () =>
  compile(ring, { samples: points, activations: { budget: { relativeError: 0.1 } } }),
)
network.report.alternatives.slice(0, 2).forEach(price)
const few = grid.filter((_, i) => i % 97 === 0)
const polynomial = runClear(bent, numbersOf(ring, few))
const bound = network.report.relativeError * network.report.largestOutput
check('as the polynomials in the clear', predict('ring', network, few), polynomial, bound)

// What cannot be had is refused while compiling, with the layer that is to blame.
section('refused')
const narrow = { samples: points, packing: 'slots', activations: { rules: parseActivations(['relu=2']) } } as const
refused('30 bits at N = 8192', () => compile(ring, { ...narrow, precisionBits: 30, ringDegrees: [8192] }))
refused('a packing without products', () => compile(ring, { ...narrow, packing: 'coefficient' }))
refused('a rule for a layer that there is not', () =>
  compile(ring, { ...narrow, activations: { rules: parseActivations(['conv1=4']) } }),
)
