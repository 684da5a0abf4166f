import { type Command, Option } from 'commander'
import type { BuildOptions } from '../breach/wanted.ts'
import { count, integer } from '../numbers.ts'

const kinds: readonly string[] = ['passwords', 'credentials', 'domains', 'bytes']

export function addBreachBuild(breach: Command): void {
  breach
    .command('build')
    .summary('make a set of a list')
    .description(
      'Make a set of a list, that `glovebox breach serve` serves. The list is read in a stream; a build that is interrupted goes on where it stopped when the same command is given again.\n' +
        'The folder holds the secret key of the set and what the list became under it: whoever has both can try guesses.',
    )
    .argument('<list>', 'a file with an item a line, by gzip or not; - for standard input')
    .requiredOption('-o, --output <folder>', 'the folder of the set')
    .option('--name <name>', 'of the set (default: that of the folder)')
    .addOption(
      new Option(
        '--kind <kind>',
        'what is in the list; a line of credentials is user:password (default: passwords)',
      ).choices(kinds),
    )
    .option(
      '--labels <column>',
      'the list is CSV with names of columns in its first line, and this one holds what the set says of an item',
    )
    .option(
      '--column <name>',
      'of CSV: the column of the items (default: the first other one; of credentials "password")',
    )
    .option('--label-bytes <count>', 'room for a label (default: as much as the longest takes)', integer(1, 1024))
    .option(
      '--prefix-bits <bits>',
      'tell so many bits of a pseudorandom number for each query, 0 to 16, which makes it faster (default: 0)',
      integer(0, 16),
    )
    .option('--no-prefix', 'tell nothing; the default')
    .option('--receiver-items <count>', 'that are mostly asked for at a time (default: 1)', count(1, 2 ** 20))
    .option(
      '--items <count>',
      'plan for so many (default: those of the list; of standard input 1,000,000)',
      count(1, 2 ** 30),
    )
    .option('--params <file.json>', 'take these parameters: as `breach plan --json` prints them, or a file of APSI')
    .option('--verifiable', 'prove with each answer that it was made with one and the same key (VOPRF)')
    .addOption(
      new Option(
        '--hardening <cost>',
        'cost N of scrypt for each item, a power of two, or "none" (default: 64 for passwords and credentials, else none)',
      ).argParser(hardeningCost),
    )
    .option('-t, --threads <count>', 'threads that compute (default: as many as there are cores)', integer(1, 64))
    .option(
      '--rotate',
      'build the next epoch, with a new key, beside the one that is served; it is like that one in all that these options say',
    )
    .option('--json', 'print one JSON object')
    .action(async (list: string, options: BuildOptions) =>
      (await import('../breach/build.ts')).buildFromList(list, options),
    )
}

function hardeningCost(text: string): number | 'none' {
  return text === 'none' ? text : integer(2, 2 ** 20)(text)
}
