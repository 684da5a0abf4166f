import type { JSX } from 'preact'
import { aliasesOf, defaultVersion, introductionOf, listModels, type ModelSummary, readCard } from '../api/models.ts'
import { useSets } from '../api/sets.ts'
import { type Loaded, useLoaded } from '../api/use.ts'
import { Empty, When } from '../components/states.tsx'
import { percent, plural, short, showBytes } from '../format.ts'
import { Link, modelPath } from '../router.tsx'
import { Head } from './head.tsx'

/** All models that one may use. */
export function ModelsPage(): JSX.Element {
  const models = useLoaded(listModels, [])
  return (
    <>
      <Head title="Models that cannot see your data">
        <p class="lead">
          Your browser encrypts, the server computes on what it cannot read, your browser decrypts. Choose a model and
          watch it happen.
        </p>
      </Head>
      <When of={models} what="the models" ghosts={3}>
        {(list) =>
          list.length === 0 ? (
            <NoModels />
          ) : (
            <ul class="models">
              {list.map((model) => (
                <li key={model.name}>
                  <ModelCard model={model} />
                </li>
              ))}
            </ul>
          )
        }
      </When>
    </>
  )
}

function NoModels(): JSX.Element {
  const sets = useSets()
  if (sets.length > 0)
    return (
      <Empty title="This service has lists, and no models">
        <p>
          <Link href="/passwords">Ask whether something is in a list</Link>, without telling what.
        </p>
      </Empty>
    )
  return (
    <Empty title="There is no model here yet">
      <p>Train one of ours, or compile your own, and push it to this service:</p>
      <code class="command">
        {`npx glovebox train digits-linear -o mydigits\nnpx glovebox push mydigits --server ${location.origin} --name mydigits`}
      </code>
    </Empty>
  )
}

function ModelCard({ model }: { readonly model: ModelSummary }): JSX.Element {
  const version = defaultVersion(model)
  const tags = { ...model.tags, ...version?.tags }
  const about = useAbout(model)
  const aliases = version ? aliasesOf(model, version.version) : []
  const figures = figuresOf(tags, version)
  return (
    <article class="sheet model">
      <h2>
        <Link href={modelPath(model.name)}>{model.name}</Link>
      </h2>
      <p class="about">{about.value ?? (about.loading ? '…' : 'No description yet.')}</p>
      <ul class="chips">
        {version && <li class="chip">version {version.version}</li>}
        {aliases.map((alias) => (
          <li key={alias} class="chip gold">
            @{alias}
          </li>
        ))}
        {version?.packing && <li class="chip">{version.packing} packing</li>}
        {model.versions.length > 1 && <li class="chip">{plural(model.versions.length, 'version')}</li>}
        {plainTags(tags).map(([key, value]) => (
          <li key={key} class="chip">
            {key} <b>{value}</b>
          </li>
        ))}
      </ul>
      {figures.length > 0 && (
        <div class="figures">
          {figures.map(([name, value]) => (
            <div key={name}>
              <span class="figure-value">{value}</span>
              <span class="figure-name">{name}</span>
            </div>
          ))}
        </div>
      )}
    </article>
  )
}

/** The description of a model, else what its card says first. */
export function useAbout(model: ModelSummary | undefined): Loaded<string | undefined> {
  const own = model && (model.description || defaultVersion(model)?.description)
  return useLoaded(
    async (signal) => {
      if (own || !model || model.versions.length === 0) return own || undefined
      const card = await readCard(model.name, undefined, signal)
      return card && (introductionOf(card) || undefined)
    },
    [model?.name, own],
  )
}

type Tags = Readonly<Record<string, string>>

/** With what they are called. */
const metrics: Readonly<Record<string, string>> = {
  accuracy: 'accuracy',
  auc: 'AUC',
  rmse: 'RMSE',
  r: 'correlation',
  gini: 'Gini',
  sensitivity: 'sensitivity',
  specificity: 'specificity',
}

/** What says how good and how large a model is. */
export function figuresOf(
  tags: Tags,
  version: ModelSummary['versions'][number] | undefined,
): (readonly [string, string])[] {
  const figures: [string, string][] = []
  for (const [name, called] of Object.entries(metrics)) {
    const value = Number(tags[name] ?? tags[`metrics.${name}`])
    if (Number.isFinite(value)) figures.push([called, name === 'accuracy' ? percent(value) : short(value)])
  }
  const [first] = figures
  return [
    ...(first ? [first] : []),
    ...(version?.needs_keys === undefined
      ? []
      : [['evaluation keys', version.needs_keys ? 'needed' : 'none'] as const]),
    ...(version?.client_bytes ? [['public part', showBytes(version.client_bytes)] as const] : []),
  ]
}

/** Tags that are not shown elsewhere. */
export function plainTags(tags: Tags): [string, string][] {
  return Object.entries(tags)
    .filter(([key]) => key !== 'kind' && !(key in metrics) && !key.startsWith('metrics.'))
    .slice(0, 4)
}
