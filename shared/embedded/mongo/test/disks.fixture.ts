import { type Disk, realDisk } from "../store/disk.ts";

const systemError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** A disk that becomes full: it writes half of the data, as a real disk does, and then fails. */
export function fillableDisk(): Disk & { isFull: boolean } {
  const disk = {
    ...realDisk,
    isFull: false,
    write: async (file: number, buffers: readonly Uint8Array[], position: number) => {
      if (!disk.isFull) return realDisk.write(file, buffers, position);
      const all = Buffer.concat(buffers);
      await realDisk.write(file, [all.subarray(0, all.length >> 1)], position);
      throw systemError("ENOSPC", "ENOSPC: no space left on device, write");
    },
    free: async (path: string) => (disk.isFull ? 0 : realDisk.free(path)),
  };
  return disk;
}

/** A disk whose flush fails: the data written to it may be lost. */
export function unreliableDisk(): Disk & { isFull: boolean } {
  const disk = {
    ...realDisk,
    isFull: false,
    flush: async (file: number) => {
      if (disk.isFull) throw systemError("EIO", "EIO: i/o error, fdatasync");
      await realDisk.flush(file);
    },
  };
  return disk;
}

/** A disk that flushes nothing between `hold` and `release`. */
export function holdableDisk() {
  let gate: PromiseWithResolvers<void> | null = null;
  const disk = {
    ...realDisk,
    /** Waiting flushes. */
    held: 0,
    hold: () => {
      gate = Promise.withResolvers<void>();
    },
    release: () => {
      gate?.resolve();
      gate = null;
      disk.held = 0;
    },
    flush: async (file: number) => {
      if (gate !== null) {
        disk.held += 1;
        await gate.promise;
      }
      await realDisk.flush(file);
    },
  };
  return disk;
}
