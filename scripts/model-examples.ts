// Writes models/*/examples.json: a few inputs of each model of the gallery, made up or public, with what the model says of them in the clear. And
// models/*/metrics.json: what their cards say that they reach in the clear.
// node --conditions=@glovebox/source scripts/model-examples.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Task } from '../packages/cli/src/demo/demo.ts'
import { plainDigit, readDigits } from '../packages/cli/src/demo/mnist.ts'
import type { RowsSpec } from '../packages/cli/src/demo/synthetic-rows.ts'
import type { HeldOut } from '../packages/cli/src/demo/tabular.ts'
import { bitsOf, type Example, type ExampleColumn, type Examples } from '../packages/cli/src/examples.ts'
import { demoOf, gallery } from '../packages/cli/src/gallery/list.ts'
import { prepareSample, type Sample } from '../packages/client/src/index.ts'
import { type Answer, runAfter, runClear } from '../packages/ml/src/index.ts'

const models = join(import.meta.dirname, '../models')
const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
const mnist = 'Test images of MNIST by LeCun, Cortes and Burges, CC BY-SA 3.0.'

/** What is said of a model by hand. */
interface Said extends Pick<Examples, 'kind' | 'describe' | 'outputs'> {
  /** What an input is called, with its number. */
  readonly each: string
  readonly labels?: Readonly<Record<string, string>>
}

const said: Readonly<Record<string, Said>> = {
  heart: {
    kind: 'rows',
    each: 'Person',
    outputs: [{ name: 'stays healthy' }, { name: 'falls ill within ten years' }],
    labels: {
      male: 'male (1) or female (0)',
      age: 'age|years',
      education: 'education (1 to 4)',
      cigsPerDay: 'cigarettes|a day',
      BPMeds: 'takes blood pressure medicine (1)',
      prevalentStroke: 'has had a stroke (1)',
      prevalentHyp: 'has hypertension (1)',
      diabetes: 'has diabetes (1)',
      totChol: 'cholesterol|mg/dl',
      sysBP: 'systolic pressure|mmHg',
      diaBP: 'diastolic pressure|mmHg',
      BMI: 'body mass index|kg/m²',
      heartRate: 'heart rate|beats/min',
      glucose: 'glucose|mg/dl',
    },
  },
  mortality: {
    kind: 'rows',
    each: 'Patient',
    outputs: [{ name: 'risk of dying in hospital', digits: 3 }],
    labels: {
      age: 'age|years',
      dzgroup: 'illness',
      ca: 'cancer',
      'num.co': 'other diseases',
      hday: 'day of the stay',
      scoma: 'coma score',
      meanbp: 'mean blood pressure|mmHg',
      hrt: 'heart rate|beats/min',
      resp: 'breaths|a minute',
      temp: 'temperature|°C',
      wblc: 'white cells|1000/µl',
      pafi: 'PaO2/FiO2',
      alb: 'albumin|g/dl',
      bili: 'bilirubin|mg/dl',
      crea: 'creatinine|mg/dl',
      sod: 'sodium|mmol/l',
      ph: 'pH of the blood',
      glucose: 'glucose|mg/dl',
      bun: 'urea nitrogen|mg/dl',
      urine: 'urine|ml a day',
    },
  },
  claims: {
    kind: 'rows',
    each: 'Policy',
    outputs: [{ name: 'claims', unit: 'a year', digits: 3 }],
    labels: {
      agecat: 'age group of the driver (1 youngest to 6)',
      veh_body: 'body of the car',
      veh_age: 'age group of the car (1 newest to 4)',
      veh_value: 'value of the car|10,000 A$',
    },
  },
  fraud: { kind: 'rows', each: 'Payment', outputs: [{ name: 'honest' }, { name: 'fraud' }] },
  threat: { kind: 'rows', each: 'Connection' },
  sentiment: { kind: 'text', each: 'Sentence' },
  xray: { kind: 'photo', each: 'Picture' },
  pets: { kind: 'numbers', each: 'Animal', describe: 'features of a photo that a public network, MobileNet, sees' },
  fitness: {
    kind: 'numbers',
    each: 'Run',
    describe:
      'minute after minute: distance in km, moving time in min, climb in km, and minutes in five zones of the heart rate',
  },
  maintenance: {
    kind: 'numbers',
    each: 'Engine',
    describe: 'readings of 14 sensors on the last 30 flights, the oldest flight first',
    outputs: [{ name: 'flights left', digits: 0 }],
  },
  weather: {
    kind: 'numbers',
    each: 'Evening',
    describe:
      'of each of 14 days precipitation in mm, rained or not, highest and lowest temperature in °C and wind; then the season and the city',
    outputs: [
      { name: 'highest temperature', unit: '°C', digits: 1 },
      { name: 'rain, log-odds', digits: 2 },
    ],
  },
  flowering: {
    kind: 'numbers',
    each: 'Plant',
    describe: 'variants at 53,859 places of the genome of Arabidopsis, 0 or 1',
    outputs: [{ name: 'days to flowering', digits: 1 }],
  },
}

/** Inputs that a few are chosen from, and how many. */
const [drawn, kept] = [40, 5]

/** Of cards without a test.json. */
const measured: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  digits: { accuracy: 0.9936 },
  'digits-linear': { accuracy: 0.9259 },
  'digits-batch': { accuracy: 0.9848 },
  sentiment: { accuracy: 0.81, auc: 0.886 },
  flowering: { r: 0.8348 },
}

for (const model of gallery) {
  const demo = await demoOf(model)
  const { name } = model
  const task = await demo.load({ samples: name === 'flowering' ? 3 : drawn, data: undefined })
  const examples = name.startsWith('digits') ? await digits(task) : chosen(name, task)
  const { question } = demo
  const text = JSON.stringify({ ...examples, question })
  writeFileSync(join(models, name, 'examples.json'), `${text.replaceAll('{"name":"', '\n{"name":"')}\n`)
  const metrics = measured[name] ?? heldOut(name)
  if (metrics) writeFileSync(join(models, name, 'metrics.json'), `${JSON.stringify(metrics)}\n`)
  console.log(`${name}: ${examples.items.length} of kind ${examples.kind}, ${text.length} bytes`)
}

/** A plain test image of each digit. */
async function digits(task: Task): Promise<Omit<Examples, 'question'>> {
  const { images, labels } = await readDigits('test', 100)
  const items = words.map((name, digit): Example => {
    const image = images[plainDigit(labels, digit)]!
    const [answer] = answersOf(task, [image], true)
    return { name, input: [...image], expected: textOf(answer!) }
  })
  return { kind: 'digit', source: 'public', note: mnist, pixels: true, shape: [1, 28, 28], items }
}

function chosen(name: string, task: Task): Omit<Examples, 'question'> {
  const { kind, each, describe, outputs, labels = {} } = said[name]!
  const inputs = task.inputs.map((sample) => inputOf(name, sample))
  const answers = answersOf(task, name === 'flowering' ? task.inputs : (inputs as Sample[]), kind === 'photo')
  const size = (i: number): number => answers[i]!.values.at(-1)!
  const order = answers.map((_, i) => i).sort((a, b) => size(a) - size(b))
  const count = Math.min(kept, order.length)
  const items = Array.from({ length: count }, (_, k): Example => {
    const i = order[Math.round((k * (order.length - 1)) / (count - 1))]!
    const input = name === 'flowering' ? bitsOf(task.inputs[i] as ArrayLike<number>) : (inputs[i] as Sample)
    return { name: kind === 'text' ? String(input) : `${each} ${k + 1}`, input, expected: textOf(answers[i]!, outputs) }
  })
  return {
    kind,
    source: task.provenance === 'real' ? 'public' : 'synthetic',
    note: task.provenance === 'real' ? 'NOAA, by the npm package vega-datasets.' : noteOf(name),
    ...(kind === 'photo' && { pixels: true, shape: task.model.graph.inputShape }),
    ...(kind === 'numbers' && { shape: task.model.graph.inputShape }),
    ...(describe && { describe }),
    ...(kind === 'rows' && { columns: columnsOf(name, labels) }),
    ...(outputs && { outputs }),
    items,
  }
}

/** Undefined of fitness, which has learnt nothing. */
function heldOut(name: string): Readonly<Record<string, number>> | undefined {
  const { metric, clear } = JSON.parse(readFileSync(join(models, name, 'test.json'), 'utf8')) as HeldOut
  return /^\w+$/.test(metric) ? { [metric]: clear } : undefined
}

function noteOf(name: string): string {
  const { note } = JSON.parse(readFileSync(join(models, name, 'synthetic.json'), 'utf8')) as { note?: string }
  return note ?? 'Made up.'
}

/** Arrays rounded to what a person may read, pictures as bytes again. */
function inputOf(name: string, sample: Sample): Sample {
  if (typeof sample === 'string' || !(Array.isArray(sample) || ArrayBuffer.isView(sample))) return sample
  const values = Array.from(sample as ArrayLike<number>)
  return name === 'xray' ? values.map((v) => Math.round(v * 255)) : values.map((v) => Number(v.toFixed(4)))
}

function columnsOf(name: string, labels: Readonly<Record<string, string>>): ExampleColumn[] {
  const { columns, classes } = JSON.parse(readFileSync(join(models, name, 'synthetic.json'), 'utf8')) as RowsSpec
  return columns.map((column, i) => {
    const [label, unit] = labels[column.name]?.split('|') ?? []
    const quantiles = classes.flatMap((group) => group.columns[i]!.quantiles ?? [])
    return {
      name: column.name,
      ...(label && { label }),
      ...(unit && { unit }),
      ...(column.values && { values: column.values }),
      ...(quantiles.length > 0 && { low: Math.min(...quantiles), high: Math.max(...quantiles) }),
    }
  })
}

function answersOf({ model }: Task, samples: readonly Sample[], pixels: boolean): Answer[] {
  const { before, graph, after } = model
  const input = { shape: graph.inputShape, pixels: { scale: 1 / 255, offset: 0 }, before }
  return samples.map((sample) => runAfter(after, runClear(graph, prepareSample({ input }, sample, { pixels }))))
}

function textOf({ label, values, probabilities }: Answer, outputs: Examples['outputs'] = []): string {
  // Of classes that are called 0 and 1, how likely the second is says more.
  if (label !== undefined && !/^[01]$/.test(label)) return label
  if (probabilities) return `${(100 * values.at(-1)!).toFixed(1)} %`
  if (values.length === words.length) return String(values.indexOf(Math.max(...values)))
  return values.map((v, i) => `${v.toFixed(outputs[i]?.digits ?? 2)} ${outputs[i]?.unit ?? ''}`.trim()).join(', ')
}
