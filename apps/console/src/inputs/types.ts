import type { Sample } from '@glovebox/client'
import type { Examples, Picture } from '../api/models.ts'
import type { ModelInfo } from '../private/types.ts'

/** What would be predicted on, as somebody has put it in. It stays in this page. */
export interface Chosen {
  readonly sample: Sample
  /** The sample is bytes, to be scaled as the model says. */
  readonly pixels: boolean
  /** What the sample looks like, for showing beside its ciphertext. */
  readonly picture?: Picture
  /** The same in words, where there is no picture. */
  readonly words?: string
  /** What the model in the clear says of it, where an example tells. */
  readonly expected?: string
}

/** What every widget is given. It calls `onChange` with undefined while there is nothing that could be sent. */
export interface InputProps {
  readonly info: ModelInfo
  readonly examples: Examples | undefined
  readonly onChange: (chosen: Chosen | undefined) => void
}
