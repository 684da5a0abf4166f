import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type Example, numbersOf, type Picture } from '../api/models.ts'
import { Pixels } from '../components/pixels.tsx'
import { Note } from '../components/states.tsx'
import { showCount } from '../format.ts'
import { Choices } from './choices.tsx'
import type { Chosen, InputProps } from './types.ts'

/** The largest file that is looked at. */
const maxFileBytes = 30e6

interface Shape {
  readonly channels: 1 | 3
  readonly height: number
  readonly width: number
}

/** A picture of one's own where the model takes pixels, or examples of what it takes. */
export function PhotoInput({ examples, info, onChange }: InputProps): JSX.Element {
  const [chosen, setChosen] = useState<number>()
  const [picture, setPicture] = useState<Picture>()
  const [error, setError] = useState<string>()
  const items = examples?.items ?? []
  const shape = examples?.pixels ? shapeOf(examples.shape ?? info.inputShape) : undefined

  const show = (next: Chosen | undefined): void => {
    setPicture(next?.picture)
    onChange(next)
  }
  const pick = (i: number): void => {
    setChosen(i)
    setError(undefined)
    const item = items[i]!
    const pixels = numbersOf(item.input)
    if (!pixels) return
    const own = item.picture ?? (shape && pictureOf(pixels, shape))
    show({
      sample: pixels,
      pixels: examples?.pixels ?? false,
      ...(own && { picture: own }),
      ...(item.expected !== undefined && { expected: item.expected }),
    })
  }
  const open = async (file: File | undefined): Promise<void> => {
    if (!file || !shape) return
    setChosen(undefined)
    setError(undefined)
    try {
      const pixels = await readPicture(file, shape)
      show({ sample: pixels, pixels: true, picture: pictureOf(pixels, shape) })
    } catch {
      show(undefined)
      setError(`${file.name} is no picture that this browser can read: take a JPEG, PNG or WebP file of at most 30 MB.`)
    }
  }
  return (
    <div class="stack-s">
      {shape ? (
        <div class="field">
          <label for="photo-input">A picture of yours</label>
          <input
            id="photo-input"
            class="input"
            type="file"
            accept="image/*"
            aria-describedby="photo-hint"
            onChange={(event) => open(event.currentTarget.files?.[0])}
          />
          <span class="hint" id="photo-hint">
            Its middle is scaled to {shape.width} × {shape.height} {shape.channels === 1 ? 'grey ' : ''}pixels here; the
            file goes nowhere.
          </span>
        </div>
      ) : (
        <Note>
          This model takes {showCount(info.inputSize)} features, which a public network computes from a photo before
          anything is encrypted. This page does not have that network: take an example, or use{' '}
          <code>glovebox demo {info.name}</code> for photos of your own.
        </Note>
      )}
      {error && <Note bad>{error}</Note>}
      {items.every((item) => item.picture ?? shape) && items.length > 0 ? (
        <fieldset class="plain">
          <legend class="label">{shape ? 'or take one of these' : 'Examples'}</legend>
          <div class="picks">
            {items.map((item, i) => (
              <button
                type="button"
                class="pick"
                key={item.name}
                aria-pressed={chosen === i}
                aria-label={item.expected === undefined ? item.name : `${item.name}, ${item.expected}`}
                onClick={() => pick(i)}
              >
                <Pixels picture={examplePicture(item, shape)} />
              </button>
            ))}
          </div>
        </fieldset>
      ) : (
        <Choices legend="Examples" items={items} chosen={chosen} onPick={pick} />
      )}
      {picture && <Pixels picture={picture} class="photo-picture" label="The picture as it will be encrypted" />}
    </div>
  )
}

function shapeOf(shape: readonly number[]): Shape | undefined {
  const [width, height, channels] = [shape.at(-1), shape.at(-2), shape.at(-3) ?? 1]
  if (!width || !height || (channels !== 1 && channels !== 3)) return undefined
  return { channels, height, width }
}

/** Channels one after the other become pixels. */
function pictureOf(pixels: readonly number[], { channels, height, width }: Shape): Picture {
  const area = width * height
  if (channels === 1) return { width, height, pixels }
  return {
    width,
    height,
    pixels: Array.from({ length: 3 * area }, (_, k) => pixels[(k % 3) * area + Math.floor(k / 3)]!),
  }
}

function examplePicture(item: Example, shape: Shape | undefined): Picture {
  return (
    item.picture ?? (shape && pictureOf(numbersOf(item.input) ?? [], shape)) ?? { width: 1, height: 1, pixels: [0] }
  )
}

/** The square in the middle of a picture, scaled, as bytes: channel by channel. */
async function readPicture(file: File, { channels, height, width }: Shape): Promise<number[]> {
  if (file.size > maxFileBytes) throw new RangeError('the file is too large')
  const bitmap = await createImageBitmap(file)
  const cut = Math.min(bitmap.width, bitmap.height)
  const context = new OffscreenCanvas(width, height).getContext('2d')!
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, (bitmap.width - cut) / 2, (bitmap.height - cut) / 2, cut, cut, 0, 0, width, height)
  bitmap.close()
  const { data } = context.getImageData(0, 0, width, height)
  const area = width * height
  const colour = (i: number, c: number): number => data[4 * i + c]!
  if (channels === 1)
    return Array.from({ length: area }, (_, i) =>
      Math.round(0.299 * colour(i, 0) + 0.587 * colour(i, 1) + 0.114 * colour(i, 2)),
    )
  return Array.from({ length: 3 * area }, (_, k) => colour(k % area, Math.floor(k / area)))
}
