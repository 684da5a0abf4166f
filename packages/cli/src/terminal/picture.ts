// A character is two pixels, one above the other.
const upper = '▀'
const blocks = [' ', '▀', '▄', '█']
/** For pictures that are no line drawings: one character is the mean of two pixels. */
const shading = [' ', '░', '▒', '▓', '█']

/** A square picture of pixels from 0 (dark) to 255 (bright). */
export interface Picture {
  readonly pixels: ArrayLike<number>
  readonly side: number
}

/**
 * Pictures of one size side by side, without `margin` pixels at every edge; in greys of the 256-colour palette, or in plain blocks: ink
 * or paper, or with `shades` in five of them from the darkest pixel to the brightest.
 */
export function drawPictures(
  pictures: readonly Picture[],
  options: { readonly margin: number; readonly gap: number; readonly colours: boolean; readonly shades?: boolean },
): string {
  const { margin, gap, colours, shades } = options
  const end = pictures[0]!.side - margin
  const lines: string[] = []
  for (let y = margin; y < end; y += 2) {
    const drawn = pictures.map(({ pixels, side }) => {
      const [lowest, highest] = [Math.min(...Array.from(pixels)), Math.max(...Array.from(pixels))]
      let text = ''
      for (let x = margin; x < end; x++) {
        const [top, bottom] = [pixels[y * side + x]!, y + 1 < end ? pixels[(y + 1) * side + x]! : 0]
        text += colours
          ? `\u001b[38;5;${grey(top)};48;5;${grey(bottom)}m${upper}`
          : shades
            ? shade((top + bottom) / 2, lowest, highest)
            : blocks[Number(top > 100) + 2 * Number(bottom > 100)]
      }
      return colours ? `${text}\u001b[0m` : text
    })
    lines.push(drawn.join(' '.repeat(gap)))
  }
  return lines.join('\n')
}

/** 232 to 255 are the 24 greys of the 256-colour palette, 16 is black. */
function grey(pixel: number): number {
  return pixel < 8 ? 16 : 232 + Math.min(23, Math.floor((pixel * 24) / 256))
}

function shade(pixel: number, lowest: number, highest: number): string {
  return shading[Math.min(4, Math.floor((5 * (pixel - lowest)) / (highest - lowest + 1)))]!
}
