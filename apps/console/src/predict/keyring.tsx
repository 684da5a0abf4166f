import type { JSX } from 'preact'
import { Key } from '../components/icons.tsx'
import { plural, showBytes, showDate } from '../format.ts'
import type { KeyState, ModelInfo } from '../private/types.ts'

interface KeyringProps {
  readonly info: ModelInfo
  readonly held: KeyState | undefined
  readonly onForget: () => void
  readonly busy: boolean
}

/** Who holds the key: this browser does, or nobody yet. */
export function Keyring({ info, held, onForget, busy }: KeyringProps): JSX.Element {
  return (
    <div class="keyring" data-held={held ? 'yes' : 'no'}>
      <Key />
      {held ? (
        <div>
          <strong>You hold the key.</strong> Made here {showDate(held.created)}; it never leaves this browser
          {held.digest === undefined ? ', and is gone when you leave.' : '.'}
        </div>
      ) : (
        <div>
          <strong>No key yet.</strong> Your first prediction makes one in this browser
          {info.keyCount > 0
            ? `, and ${plural(info.keyCount, 'evaluation key')} (${showBytes(info.keyBytes)}) that the server computes with but cannot decrypt with.`
            : '. This model needs no evaluation keys.'}
        </div>
      )}
      {held && (
        <button type="button" class="button tiny" onClick={onForget} disabled={busy}>
          Forget it
        </button>
      )}
    </div>
  )
}
