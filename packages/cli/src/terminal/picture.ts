/** Half blocks: one character is two pixels, the upper in the foreground and the lower in the background. */
const upper = '▀'

/**
 * Pictures of one size side by side, in shades of grey of the 256-colour terminal. Pixels go from 0 (black) to 255 (white); rows and columns
 * that are dark in all pictures are cut off above and below.
 */
export function drawPictures(pictures: readonly ArrayLike<number>[], width: number): string {
  const height = pictures[0]!.length / width
  const lines: string[] = []
  for (let y = 0; y < height; y += 2) {
    const line = pictures.map((picture) => {
      let text = ''
      for (let x = 0; x < width; x++) {
        const [top, bottom] = [shade(picture[y * width + x]!), shade(picture[(y + 1) * width + x] ?? 0)]
        text += `\u001b[38;5;${top};48;5;${bottom}m${upper}`
      }
      return `${text}\u001b[0m`
    })
    lines.push(line.join('  '))
  }
  return lines.join('\n')
}

/** The same for a terminal without colours. */
export function drawPlain(pictures: readonly ArrayLike<number>[], width: number): string {
  const height = pictures[0]!.length / width
  const lines: string[] = []
  for (let y = 0; y < height; y += 2) {
    const line = pictures.map((picture) => {
      let text = ''
      for (let x = 0; x < width; x++) {
        const bright = [y, y + 1].map((row) => (picture[row * width + x] ?? 0) > 100)
        text += bright[0] ? (bright[1] ? '█' : '▀') : bright[1] ? '▄' : ' '
      }
      return text
    })
    lines.push(line.join('  '))
  }
  return lines.join('\n')
}

/** 232 to 255 are the 24 greys of the 256-colour palette, 16 is black. */
function shade(pixel: number): number {
  return pixel < 8 ? 16 : 232 + Math.min(23, Math.floor((pixel * 24) / 256))
}
