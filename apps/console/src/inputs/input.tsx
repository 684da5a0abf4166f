import type { JSX } from 'preact'
import { DigitInput } from './digit.tsx'
import { NumbersInput } from './numbers.tsx'
import { PhotoInput } from './photo.tsx'
import { RowsInput } from './rows.tsx'
import { TextInput } from './text.tsx'
import type { InputProps } from './types.ts'

/** The widget for what a model takes: as its examples say, else as its public part does. */
export function ModelInput(props: InputProps): JSX.Element {
  switch (kindOf(props)) {
    case 'digit':
      return <DigitInput {...props} />
    case 'rows':
      return <RowsInput {...props} />
    case 'text':
      return <TextInput {...props} />
    case 'photo':
      return <PhotoInput {...props} />
    case 'numbers':
      return <NumbersInput {...props} />
  }
}

function kindOf({ info, examples }: InputProps): 'digit' | 'rows' | 'text' | 'photo' | 'numbers' {
  const { columns, takesText, inputShape } = info
  if (takesText) return 'text'
  if (columns && !(examples?.kind === 'numbers' && Array.isArray(examples.items[0]?.input))) return 'rows'
  if (examples) return examples.kind === 'rows' || examples.kind === 'text' ? 'numbers' : examples.kind
  return inputShape.at(-1) === 28 && inputShape.at(-2) === 28 ? 'digit' : 'numbers'
}
