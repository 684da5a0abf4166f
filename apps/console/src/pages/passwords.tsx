import type { JSX } from 'preact'
import { listSets, type SetSummary } from '../api/sets.ts'
import { useLoaded } from '../api/use.ts'
import { Empty, Note, When } from '../components/states.tsx'
import { showCount } from '../format.ts'
import { navigate } from '../router.tsx'
import { Check } from '../sets/check.tsx'
import { Head } from './head.tsx'

interface PasswordsProps {
  /** Of the set; none: the first one, passwords before others. */
  readonly name: string | undefined
}

/** Where somebody asks whether a password is known from breaches, or something else is in a list. */
export function PasswordsPage({ name }: PasswordsProps): JSX.Element {
  const sets = useLoaded(listSets, [])
  const ordered = [...(sets.value ?? [])].sort(
    (a, b) => Number(b.kind === 'passwords') - Number(a.kind === 'passwords'),
  )
  const set = name === undefined ? ordered[0] : ordered.find((one) => one.name === name)
  const others = set !== undefined && set.kind !== 'passwords' && set.kind !== 'credentials'
  return (
    <>
      <Head title={others ? 'Is it in the list?' : 'Has this password leaked?'}>
        <p class="lead">
          {others
            ? 'Your browser blinds and encrypts what you look for, and the server searches its list without learning what for, nor what it found.'
            : 'Type it here. Your browser blinds and encrypts it, and the server searches its list of breached passwords without learning what for, nor what it found.'}
        </p>
        {set && <Chosen set={set} sets={ordered} />}
      </Head>
      <When of={sets} what="the lists" ghosts={2}>
        {(all) =>
          set ? (
            <Check key={`${set.name} ${set.epoch}`} set={set} />
          ) : all.length === 0 ? (
            <NoSets />
          ) : (
            <Note bad>There is no list “{name}” here.</Note>
          )
        }
      </When>
    </>
  )
}

function Chosen({ set, sets }: { readonly set: SetSummary; readonly sets: readonly SetSummary[] }): JSX.Element {
  return (
    <div class="row">
      {sets.length > 1 && (
        <div class="row">
          <label class="label" for="set">
            List
          </label>
          <select
            id="set"
            class="input version-select"
            value={set.name}
            onChange={(event) => navigate(`/passwords/${encodeURIComponent(event.currentTarget.value)}`)}
          >
            {sets.map((one) => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </div>
      )}
      <ul class="chips">
        {sets.length === 1 && <li class="chip">{set.name}</li>}
        <li class="chip">
          about <b>{showCount(set.items)}</b> {set.kind}
        </li>
        <li class={set.params.prefixBits === 0 ? 'chip gold' : 'chip'}>
          {set.params.prefixBits === 0 ? 'not even a prefix is told' : `tells ${set.params.prefixBits} bits`}
        </li>
        {set.labels > 0 && <li class="chip">with labels</li>}
      </ul>
    </div>
  )
}

function NoSets(): JSX.Element {
  return (
    <Empty title="There is no list here yet">
      <p>Build one of any list with a password a line, and serve it:</p>
      <code class="command">
        {'npx glovebox breach build passwords.txt -o breached\nnpx glovebox breach serve breached'}
      </code>
    </Empty>
  )
}
