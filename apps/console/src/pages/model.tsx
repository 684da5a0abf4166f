import type { JSX } from 'preact'
import { aliasesOf, defaultVersion, listModels, type ModelSummary, readCard } from '../api/models.ts'
import { useLoaded } from '../api/use.ts'
import { Empty, Note, When } from '../components/states.tsx'
import { showCount } from '../format.ts'
import { Predict } from '../predict/predict.tsx'
import { Link, modelPath, navigate } from '../router.tsx'
import { Card } from './card.tsx'
import { Head } from './head.tsx'
import { figuresOf, useAbout } from './models.tsx'

interface ModelPageProps {
  readonly name: string
  readonly version: string | undefined
  readonly tab: 'predict' | 'card'
}

/** One model: a private prediction with it, and its card. */
export function ModelPage({ name, version, tab }: ModelPageProps): JSX.Element {
  const models = useLoaded(listModels, [])
  const model = models.value?.find((one) => one.name === name)
  const path = modelPath(name, version)
  const about = useAbout(model)
  return (
    <>
      <Head
        title={name}
        above={
          <p class="crumbs">
            <Link href="/">Models</Link>
          </p>
        }
      >
        {about.value && <p class="lead">{about.value}</p>}
        {model && <Chips model={model} version={version} />}
      </Head>
      <nav class="tabs" aria-label="Of this model">
        <Link href={path} aria-current={tab === 'predict' ? 'page' : undefined}>
          Private prediction
        </Link>
        <Link href={`${path}/card`} aria-current={tab === 'card' ? 'page' : undefined}>
          Model card
        </Link>
      </nav>
      {models.value && !model && (
        <Note bad>
          There is no model “{name}” here that you may use. <Link href="/">All models</Link>
        </Note>
      )}
      {models.error !== undefined && (
        <When of={models} what="the model">
          {() => null}
        </When>
      )}
      {model &&
        (tab === 'card' ? <CardTab name={name} version={version} /> : <Predict name={name} version={version} />)}
    </>
  )
}

interface ChipsProps {
  readonly model: ModelSummary
  readonly version: string | undefined
}

function Chips({ model, version }: ChipsProps): JSX.Element {
  const shown = model.versions.find((one) => one.version === version) ?? defaultVersion(model)
  if (!shown) return <p class="soft">It has no version yet.</p>
  const figures = figuresOf({ ...model.tags, ...shown.tags }, shown)
  return (
    <div class="row">
      {model.versions.length > 1 && (
        <div class="row">
          <label class="label" for="version">
            Version
          </label>
          <select
            id="version"
            class="input version-select"
            value={shown.version}
            onChange={(event) => navigate(modelPath(model.name, event.currentTarget.value))}
          >
            {[...model.versions]
              .sort((a, b) => Number(b.version) - Number(a.version))
              .map(({ version: one }) => (
                <option key={one} value={one}>
                  {[one, ...aliasesOf(model, one).map((alias) => `@${alias}`)].join(' ')}
                </option>
              ))}
          </select>
        </div>
      )}
      <ul class="chips">
        {model.versions.length === 1 && <li class="chip">version {shown.version}</li>}
        {aliasesOf(model, shown.version).map((alias) => (
          <li key={alias} class="chip gold">
            @{alias}
          </li>
        ))}
        {shown.stage && shown.stage !== 'None' && <li class="chip">stage {shown.stage}</li>}
        {shown.packing && <li class="chip">{shown.packing} packing</li>}
        {shown.input_shape && shown.input_shape.length > 0 && (
          <li class="chip">takes {shown.input_shape.map(showCount).join(' × ')}</li>
        )}
        {figures.map(([what, value]) => (
          <li key={what} class="chip">
            {what} <b>{value}</b>
          </li>
        ))}
      </ul>
    </div>
  )
}

function CardTab({ name, version }: { readonly name: string; readonly version: string | undefined }): JSX.Element {
  const card = useLoaded((signal) => readCard(name, version, signal), [name, version])
  return (
    <When of={card} what="the model card">
      {(text) =>
        text ? (
          <div class="sheet">
            <Card text={text} />
          </div>
        ) : (
          <Empty title="No card was pushed with this version">
            <p>
              Put a <code>card.md</code> beside the model before you push it: what it is for, what it was trained on,
              how good it is, and where it fails.
            </p>
          </Empty>
        )
      }
    </When>
  )
}
