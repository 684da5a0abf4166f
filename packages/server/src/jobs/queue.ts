/**
 * Brings ids of jobs to workers. The database says what is to be done: an id that comes twice, or for a job that is done, is no harm, and one that is lost
 * is found by the next look at the database (`Jobs.overdue`).
 */
export interface JobQueue {
  /** Lower ranks go first. */
  add(id: string, rank: number): Promise<void>
  /** Takes ids, `concurrency` at a time, until the queue is closed. What `work` throws is logged; the id is not brought again. */
  consume(concurrency: number, work: (id: string) => Promise<void>): void
  /** Ids that wait here. */
  waiting(): Promise<number>
  /** Throws where the queue cannot be reached. */
  ready(): Promise<void>
  /** Brings no more and waits for those at work. */
  close(): Promise<void>
}
