import { dirname } from 'node:path'
import { encode } from 'fast-png'
import { makeFolder, writeOutput } from '../files.ts'

/** A square picture with what was said of it. */
export interface SheetPicture {
  readonly pixels: ArrayLike<number>
  readonly side: number
  /** 3: red, green and blue of a pixel, one after the other; default 1, grey. */
  readonly channels?: 1 | 3
  /** From 0 to 1: the bar below. */
  readonly share: number
  readonly right: boolean
}

/** Pixels: of a picture's side in the sheet, of its frame, of the bar, between pictures. */
const size = 112
const frame = 3
const bar = 8
const gap = 10
const most = 200

const paper = [250, 250, 248] as const
const green = [46, 140, 87] as const
const red = [205, 52, 52] as const
const empty = [214, 214, 210] as const
const full = [48, 70, 120] as const

/** Pictures in rows, framed in green where they were judged right and in red where wrong, as a PNG; the first 200. */
export async function writeSheet(path: string, pictures: readonly SheetPicture[]): Promise<void> {
  const shown = pictures.slice(0, most)
  const across = Math.min(shown.length, Math.max(5, Math.round(Math.sqrt(1.25 * shown.length))))
  const down = Math.ceil(shown.length / across)
  const [stepX, stepY] = [size + 2 * frame + gap, size + 2 * frame + bar + gap]
  const [width, height] = [across * stepX + gap, down * stepY + gap]
  const data = new Uint8Array(3 * width * height)
  const fill = (x0: number, y0: number, w: number, h: number, colour: readonly number[]): void => {
    for (let y = y0; y < y0 + h; y++) for (let x = x0; x < x0 + w; x++) data.set(colour, 3 * (y * width + x))
  }
  fill(0, 0, width, height, paper)
  shown.forEach(({ pixels, side, channels = 1, share, right }, i) => {
    const [x0, y0] = [gap + (i % across) * stepX, gap + Math.floor(i / across) * stepY]
    fill(x0, y0, size + 2 * frame, size + 2 * frame, right ? green : red)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const [u, v] = [((x + 0.5) * side) / size - 0.5, ((y + 0.5) * side) / size - 0.5]
        const colour = [0, 1, 2].map((c) => smooth((k) => pixels[k * channels + (c % channels)]!, side, u, v))
        fill(x0 + frame + x, y0 + frame + y, 1, 1, colour)
      }
    const top = y0 + size + 2 * frame
    fill(x0, top, size + 2 * frame, bar, empty)
    fill(x0, top, Math.round(share * (size + 2 * frame)), bar, full)
  })
  await makeFolder(dirname(path))
  await writeOutput(path, encode({ width, height, data, channels: 3 }))
}

/** Between four pixels, in proportion. */
function smooth(pixel: (k: number) => number, side: number, x: number, y: number): number {
  const clamp = (v: number): number => Math.max(0, Math.min(side - 1, v))
  const at = (i: number, j: number): number => pixel(clamp(j) * side + clamp(i))
  const [i, j] = [Math.floor(x), Math.floor(y)]
  const [fx, fy] = [x - i, y - j]
  const row = (k: number): number => at(i, k) * (1 - fx) + at(i + 1, k) * fx
  return Math.round(row(j) * (1 - fy) + row(j + 1) * fy)
}
