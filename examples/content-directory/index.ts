/** A directory of who holds which file, with proofs. */
export { askedChunk, directoryOf, MOST_LIFE, MOST_SIZE } from "./directory.ts";
export type { DirectoryView, Ignored, Listing, Provider, Viewpoint } from "./directory.ts";
export { CHUNK, chunkCount, chunksOf, isChunkOf, pathOf, rootOf } from "./chunks.ts";
export { fetchFile, Person } from "./people.ts";
export { Directory } from "./schema.ts";
