// What the HTTP process and an engine process say to each other, and nothing else.
// Types only: both sides import this file and it imports nothing. Messages travel as structured clones.

/** How the next id of a sequence is chosen. Neutral values switch a control off; nothing is optional here. */
export interface Sampling {
  readonly temperature: number; // 0 is greedy
  readonly topP: number; // 1 is off
  readonly topK: number; // 0 is off
  readonly minP: number; // 0 is off
  readonly seed: number; // unsigned 32-bit; the caller draws one when the client gave none
  readonly repetitionPenalty: number; // 1 is off; over prompt and answer
  readonly frequencyPenalty: number; // 0 is off; over the answer
  readonly presencePenalty: number; // 0 is off; over the answer
  readonly logitBias: readonly (readonly [id: number, bias: number])[];
}

/** How soon an answer counts as going round in circles. */
export type RepetitionPolicy = "safe" | "strict";

/** Most ids of thinking, and how it is seen in the ids that it begins and ends. */
export interface ThinkingBudget {
  readonly budget: number;
  readonly startsOpen: boolean; // the prompt leaves off inside of it
  readonly openIds: readonly number[]; // at least one; in a row they begin it
  readonly closeId: number;
  readonly ending: readonly number[]; // at least one; written once the budget is used up, and thinking is over
}

/**
 * What the ids of an answer must spell: a pushdown automaton over symbols. Symbols 0 to 255 are bytes; 256 is any added token that is not
 * in `tokens`; from 257 on they are those in `tokens`. A state's edges and calls lie between its own and the next state's first.
 */
export interface Automaton {
  readonly start: number;
  readonly accepts: Uint8Array; // per state: a called part may end here, and the whole when it is the outermost
  readonly firstEdge: Int32Array;
  readonly firstCall: Int32Array;
  readonly edges: Int32Array; // from, to, target; sorted and disjoint within a state
  readonly calls: Int32Array; // state to begin at, least times, most times (-1: no limit), state to go on at
  readonly tokens: Uint32Array;
}

/** The automaton of a sequence. Those of the same key are equal, so that the engine can keep what it has worked out. */
export interface Grammar {
  readonly key: string;
  readonly automaton: Automaton;
}

/** The learned vocabulary as a tree in depth-first order, and the ids outside of it. Sent before the first grammar. */
export interface Vocabulary {
  readonly type: "vocabulary";
  readonly symbols: Uint8Array; // per node: its last byte
  readonly depths: Uint16Array; // per node: how many bytes it spells
  readonly ends: Int32Array; // per node: the next one that does not begin with it
  readonly ids: Int32Array; // per node: the id that it spells, or -1
  readonly twins: Int32Array; // pairs: an id in `ids`, and another that spells the same
  readonly added: Uint32Array; // ids of added tokens
}

/** Asks for one sequence. The id is chosen by the HTTP process and never used twice. */
export interface Submit {
  readonly type: "submit";
  readonly id: number;
  readonly prompt: Uint32Array; // at least one id, each below the vocabulary size
  readonly sampling: Sampling;
  readonly maxTokens: number; // at least 0; 0 only reads the prompt (for prompt logprobs)
  readonly minTokens: number; // stop ids cannot be drawn before that many
  readonly stopIds: readonly number[]; // ends the sequence; empty when end-of-sequence is ignored
  readonly logprobs?: number; // number of alternatives beside the drawn id, 0 to 20
  readonly promptLogprobs?: number; // likewise for each prompt id but the first
  readonly diagnose?: boolean; // the first row says where the prompt left what is stored
  readonly repetition?: RepetitionPolicy | "off"; // ends an answer that goes round in circles; off when absent
  readonly tag?: string; // by which the sequence is told to people
  readonly client?: string; // whose it is: clients get equal shares
  readonly priority?: number; // lower is served first; 0 when absent
  readonly thinking?: ThinkingBudget;
  readonly adapter?: number; // place in EngineOptions.adapters, counted from 1; 0 and absence are the model itself
  readonly grammar?: Grammar; // the ids spell one of its texts; stop ids are drawn only where that may end
}

/** Ends a sequence within one step; unknown ids are ignored, because it may just have finished. */
export interface Abort {
  readonly type: "abort";
  readonly id: number;
}

/** Finish what runs, refuse what comes, then exit. */
export interface Drain {
  readonly type: "drain";
}

/** Drop every stored prefix that no sequence is using; answered with stats. */
export interface ClearCache {
  readonly type: "clear-cache";
  readonly ask: number;
}

export interface AskStats {
  readonly type: "stats";
  readonly ask: number;
}

export type ToEngine = Submit | Vocabulary | Abort | Drain | AskStats | ClearCache;

export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number; // natural logarithm, after penalties and bias, before temperature and truncation
  readonly top: readonly (readonly [id: number, logprob: number])[]; // likeliest first
}

export type FinishReason = "stop" | "length" | "abort";

/** One sequence's news of one step. */
export interface StepRow {
  readonly id: number;
  readonly ids: readonly number[]; // new ids in order; a stop id that ended the sequence is the last of them
  readonly logprobs?: readonly TokenLogprob[]; // one per new id, when asked for
  readonly promptLogprobs?: readonly (TokenLogprob | null)[]; // one per prompt id, null for the first; on the first row, when asked for
  readonly cachedTokens?: number; // prompt ids taken from the prefix cache; on the first row of a sequence
  readonly prefix?: PrefixDiagnosis; // on the first row, when asked for
  readonly finish?: FinishReason; // on the last row of a sequence
  readonly repetition?: string; // what the answer repeated, when that is why it was stopped; its last id is then no stop id
}

/** How the stored chain that goes along with a prompt furthest looked when the prompt came. */
export interface PrefixDiagnosis {
  readonly sharedTokens: number; // first prompt ids in common
  readonly storedId?: number; // the id it has behind them; absent where it ends
}

/** All news of one step in one message. */
export interface Step {
  readonly type: "step";
  readonly rows: readonly StepRow[];
}

export type FailureCode = "overloaded" | "too_long" | "memory" | "pressure" | "stopping" | "engine_lost" | "constraint" | "internal";

/** A sequence ended without finishing; nothing more comes for its id. */
export interface Failed {
  readonly type: "failed";
  readonly id: number;
  readonly code: FailureCode;
  readonly message: string;
}

export interface ModelInfo {
  readonly modelType: string;
  readonly parameters: number; // weights as stored before quantization
  readonly bytes: number; // weights in memory
  readonly quantization: string; // "8-bit group 64", "bfloat16", …
  readonly vocabSize: number;
  readonly contextLength: number; // prompt and answer together
  readonly layers: number;
  readonly device: "cpu" | "gpu";
  readonly unreadTensors: readonly string[]; // in the checkpoint, used by no layer
  readonly warmUpMs?: number; // that the engine took for it; absent without one
}

/** auto: where kernels are compiled when they are first used. */
export type WarmUpOption = "auto" | "on" | "off";

/** The model is loaded, and the engine tries out what requests will need. Sent at the start of each stage. */
export interface WarmingUp {
  readonly type: "warming-up";
  readonly doing: string; // for people
  readonly stage: number; // from 1 on
  readonly stages: number;
}

/** The engine has loaded its model and takes sequences. */
export interface Ready {
  readonly type: "ready";
  readonly info: ModelInfo;
}

/** The engine cannot start (bad checkpoint, no memory); the process exits with `exitCode` right after. */
export interface Refused {
  readonly type: "refused";
  readonly exitCode: number;
  readonly message: string;
}

export interface PrefixStats extends PrefixCacheOptions {
  readonly blocks: number;
  readonly bytes: number;
  readonly chains: number;
  readonly evictions: number; // blocks that went to make room
  readonly hits: number; // sequences that took at least one id
  readonly misses: number;
  readonly tokensSaved: number;
  readonly onDisk?: DiskStats;
}

/** Bytes, and what they are spent on. */
export interface MemoryStats {
  readonly limit: number;
  readonly weights: number;
  readonly kv: number; // keys and values of rows
  readonly recurrent: number; // states of rows
  readonly kvReserved: number; // what the rows that run are counted with
  readonly work: number; // of one step, as measured
  readonly prefixes: number; // stored ones
  readonly allocator: number; // held for reuse
  readonly active: number; // all that MLX says is in use
  readonly buffers: number;
  readonly maxBuffers: number | undefined; // undefined where the device sets no bound
}

/** Answers that were ended because they went round in circles. */
export interface RepetitionStats {
  readonly total: number;
  readonly byMode: Readonly<Record<string, number>>;
  readonly byTrigger: Readonly<Record<string, number>>;
  readonly tokensSaved: number; // that the answers might still have had
}

export interface PressureReport {
  readonly state: "normal" | "elevated" | "critical" | "unknown"; // of the device's memory
  readonly trend: "growing" | "stable" | "declining" | "unknown";
  readonly percent: number | undefined; // in use
  readonly action: "warn" | "reduce-context" | "reject-new";
  readonly maxTokensFactor: number; // of what new requests ask for
}

/** How answers from a batch compare with the same written alone. */
export interface DivergenceReport {
  readonly status: "unknown" | "pass" | "warning";
  readonly threshold: number; // share of equal tokens below which it warns
  readonly action: "warn" | "serialize";
  readonly samples: number;
  readonly serializes: boolean; // requests run one at a time because of it
  readonly checkedAt: number | undefined; // ms since 1970
  readonly agreement: number | undefined; // of the last comparison
  readonly exact: boolean | undefined;
  readonly error: string | undefined;
}

/** One sequence that waits or runs. */
export interface SequenceStats {
  readonly id: number;
  readonly tag: string | undefined;
  readonly phase: "queued" | "prefill" | "generation";
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly maxTokens: number;
  readonly cachedTokens: number;
  readonly elapsedMs: number;
  readonly firstTokenMs: number | undefined; // from its arrival until its first id was known
}

/** Blocks on disk. */
export interface DiskStats {
  readonly blocks: number; // of this store
  readonly bytes: number; // of all stores
  readonly maxBytes: number;
  readonly waiting: number; // to be written
  readonly written: number;
  readonly read: number;
  readonly damaged: number; // files whose checksum was wrong
  readonly stopped: string | undefined; // why nothing is written now
}

export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  readonly steps: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly promptRate: number; // ids a second, over the last seconds
  readonly completionRate: number; // likewise
  readonly finished: number;
  readonly preemptions: number; // rows that were given up and made again
  readonly peakConcurrency: number; // most sequences that waited or ran at a time
  readonly mode: "simple" | "batched"; // one row at a time, or as many as fit
  readonly prefix: PrefixStats | undefined; // undefined when prefixes are not stored
  readonly memory: MemoryStats | undefined; // undefined when it is not bounded
  readonly pressure: PressureReport | undefined; // undefined when nobody watches
  readonly divergence: DivergenceReport | undefined; // likewise
  readonly repetitions: RepetitionStats;
  readonly sequences: readonly SequenceStats[];
  readonly liveHandles: number;
  readonly activeBytes: number;
  readonly peakBytes: number;
  readonly cacheBytes: number;
}

export interface StatsAnswer {
  readonly type: "stats";
  readonly ask: number;
  readonly stats: EngineStats;
}

export type FromEngine = Ready | WarmingUp | Refused | Step | Failed | StatsAnswer;

/** Keys and values are packed, in running sequences and stored prefixes alike. */
export interface KvQuantizationOptions {
  readonly bits: 4 | 8;
  readonly groupSize: number;
  readonly minTokens: number; // the first positions of every sequence stay exact
}

/** How many prefixes are stored at most: whichever limit is reached first. */
export interface PrefixCacheOptions {
  readonly strategy: "memory-aware" | "paged" | "legacy"; // as it is called outside
  readonly blockSize: number; // ids per block
  readonly maxBytes: number;
  readonly maxBlocks?: number;
  readonly maxChains?: number; // stored sequences
  readonly disk?: { readonly directory: string; readonly maxBytes: number }; // blocks survive a restart
}

/** How an engine process is started; sent as its first message. */
export interface EngineOptions {
  readonly modelPath: string;
  readonly libraryPath: string; // libshim, with MLX beside it
  readonly packing?: { readonly name: string; readonly groupSize: number }; // dense weights are packed so when they are read
  readonly window?: number; // of sliding attention, in families that leave the choice; 0 is full attention
  readonly adapters?: readonly string[]; // folders of low-rank adapters
  readonly device: "auto" | "cpu" | "gpu";
  readonly warmUp: WarmUpOption;
  readonly maxRows: number; // sequences decoded together
  readonly maxQueue: number; // sequences waiting; one more is refused as overloaded
  readonly prefillStep?: number; // most prompt ids read in a step; what suits the device without it
  readonly prefillChunk?: number; // likewise while answers are written; what prefillStallMs allows when absent
  readonly prefillStallMs: number; // by which reading may lengthen a step while answers are written
  readonly prefillRows: number; // prompts read between two decode steps
  readonly prefixCache?: PrefixCacheOptions; // undefined: every prompt is read from its start
  readonly kvQuantization?: KvQuantizationOptions;
  readonly maxModelLen?: number; // lowers the checkpoint's own context length
  readonly widenAt?: number; // one row at a time until so many sequences meet; as many as fit from the start when absent
  readonly deterministic: boolean; // where batches or chunks could change numbers, rows run alone and are read alike
  readonly pressure: {
    readonly warnPercent: number;
    readonly limitPercent: number;
    readonly action: PressureReport["action"];
    readonly intervalMs: number;
  };
  readonly divergence?: { readonly intervalMs: number; readonly threshold: number; readonly action: DivergenceReport["action"] };
  readonly streamInterval: number; // ids per message
  readonly memoryUtilization: number; // share of the device's memory that may be used
}

/** One text as ids; `segments` tells the parts of a pair apart. */
export interface EncodeText {
  readonly ids: Uint32Array; // at least one, each below the vocabulary size, no more than the model's length
  readonly segments?: Uint8Array; // one per id
}

/** Ids of the words that a decoder answers with, where it was trained to rank so. */
export interface Verdict {
  readonly yes: number;
  readonly no: number;
}

/** Asks an encoder for the vectors of texts. The id is chosen by the HTTP process and never used twice. */
export interface Encode {
  readonly type: "encode";
  readonly id: number;
  readonly texts: readonly EncodeText[]; // at least one
  readonly priority?: number; // lower is served first; 0 when absent
}

export type ToEncoder = Encode | Abort | Drain;

/** The vectors that one step computed; a request has ended when each of its texts has one. */
export interface Encoded {
  readonly type: "encoded";
  readonly rows: readonly { readonly id: number; readonly text: number; readonly vector: Float32Array }[];
}

export interface EncoderInfo {
  readonly modelType: string;
  readonly parameters: number;
  readonly bytes: number;
  readonly quantization: string;
  readonly vocabSize: number;
  readonly segments: number; // kinds of segment that it tells apart
  readonly maxLength: number; // ids of one text
  readonly width: number; // numbers of one vector
  readonly head: string; // how a text's vector comes about, in words
  readonly device: "cpu" | "gpu";
  readonly unreadTensors: readonly string[];
}

export interface EncoderReady {
  readonly type: "ready";
  readonly info: EncoderInfo;
}

export type FromEncoder = EncoderReady | Refused | Encoded | Failed;

/** How an encoder process is started; sent as its first message. */
export interface EncoderOptions {
  readonly modelPath: string;
  readonly libraryPath: string;
  readonly device: "auto" | "cpu" | "gpu";
  readonly warmUp: WarmUpOption;
  readonly task: "embed" | "rank";
  readonly verdict?: Verdict; // of a reranking decoder
  readonly maxQueue: number; // requests waiting; one more is refused as overloaded
  readonly memoryUtilization: number; // share of the device's memory that may be used
}
