// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Three contracts that use prices from a network of oracles. The oracles talk in a shared document, off the chain, under
// Ed25519 keys; for the chain each signs the same numbers once more with a secp256k1 key, which is what ecrecover can
// check. Which address belongs to which oracle is stated outside the chain by signatures of both keys; here there are
// addresses only. The arithmetic is that of ../oracle-network/aggregate.ts, step by step: prices and dollars have eight
// decimals, confidences and weights are basis points, times are seconds, every division rounds down. Nobody owns these
// contracts: what the constructor was given holds for good.

/// Checks attestations, and makes one price of the attestations of many oracles.
contract OracleAggregator {
    /// What one oracle says about one pair.
    struct Attestation {
        bytes32 pair;
        address oracle;
        /// Grows with each attestation of an oracle, whatever the pair.
        uint64 nonce;
        uint48 time;
        uint96 price;
        uint16 confidence;
        uint8 sources;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// The rules of an aggregator. `faults` oracles may lie without moving the median beyond what honest ones say.
    struct Terms {
        /// Fewest oracles whose prices are kept in a round.
        uint256 quorum;
        uint256 faults;
        /// Least confidence that is taken, and so the least weight.
        uint16 leastConfidence;
        /// Fewest sources of an attestation.
        uint8 leastSources;
        /// Seconds for which an attestation may be submitted.
        uint48 maxAge;
        /// Seconds that an oracle's clock may be ahead of the chain's.
        uint48 maxLead;
        /// Basis points of the median within which nobody is an outlier.
        uint16 tolerance;
    }

    /// What a submission came to. `time` is that of the block. `sum` is the sum of the medians until then, each times the
    /// seconds for which it was the newest: the difference of two such sums gives the mean between them without a loop.
    struct Round {
        uint48 time;
        uint16 confidence;
        uint96 median;
        uint96 mean;
        uint96 deviation;
        uint160 sum;
    }

    error BadTerms();
    error TooFew(uint256 count);
    error TooMany(uint256 count);
    error TooFewAgree(uint256 count);
    error OtherPair(address oracle);
    error NotSorted(address oracle);
    error Duplicate(address oracle);
    error UnknownOracle(address oracle);
    error OutOfRange(address oracle);
    error TooFewSources(address oracle, uint8 sources);
    error Stale(address oracle, uint48 time);
    error FromTheFuture(address oracle, uint48 time);
    error Replayed(address oracle, uint64 nonce);
    error BadSignature(address oracle);
    error WrongSigner(address oracle, address signer);
    error NoPrice(bytes32 pair);
    error NoContradiction();

    event Priced(
        bytes32 pair, uint48 time, uint96 median, uint96 mean, uint96 deviation, uint16 confidence, uint256 kept
    );
    event Exposed(address oracle);

    /// Most oracles, so most turns of every loop over them. A price is below 2^96, a weight below 2^14, and these are 2^5: the
    /// sum of prices by weight is below 2^115, that of squared distances below 2^197, and a price times the seconds until a
    /// time of 48 bits below 2^144. Nothing overflows.
    uint256 public constant MAX_ORACLES = 32;
    uint256 public constant WHOLE = 10_000;

    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant ATTESTATION_TYPE = keccak256(
        "Attestation(bytes32 pair,address oracle,uint64 nonce,uint48 time,uint96 price,uint16 confidence,uint8 sources)"
    );
    /// Half of the order of secp256k1: a signature has a twin with s in the upper half, which is not taken.
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    Terms public terms;
    mapping(address oracle => bool) public isOracle;
    mapping(bytes32 pair => mapping(address oracle => uint64)) public lastNonce;
    mapping(bytes32 pair => uint256) public roundCount;
    mapping(bytes32 pair => mapping(uint256 index => Round)) public rounds;

    /// Oracles are sorted, so that none is there twice. The honest ones of a quorum, each at the least weight, must outweigh
    /// the faulty ones at full weight: then the weighted median lies between honest prices.
    constructor(address[] memory oracles, Terms memory given) {
        if (oracles.length > MAX_ORACLES || given.quorum > oracles.length) revert BadTerms();
        if (given.quorum <= given.faults || given.leastConfidence > WHOLE) revert BadTerms();
        if ((given.quorum - given.faults) * given.leastConfidence <= given.faults * WHOLE) revert BadTerms();
        address last;
        for (uint256 i = 0; i < oracles.length; i++) {
            if (oracles[i] <= last) revert BadTerms();
            last = oracles[i];
            isOracle[last] = true;
        }
        terms = given;
    }

    /// Takes attestations of one pair, sorted by oracle. Anybody may call it: what counts is who signed. Either all are taken
    /// and make one round, or none.
    function submit(bytes32 pair, Attestation[] calldata batch) external {
        Terms memory rules = terms;
        if (batch.length < rules.quorum) revert TooFew(batch.length);
        if (batch.length > MAX_ORACLES) revert TooMany(batch.length);
        uint96[] memory prices = new uint96[](batch.length);
        uint16[] memory weights = new uint16[](batch.length);
        address last;
        for (uint256 i = 0; i < batch.length; i++) {
            Attestation calldata item = batch[i];
            if (item.oracle == last) revert Duplicate(item.oracle);
            if (item.oracle < last) revert NotSorted(item.oracle);
            last = item.oracle;
            check(pair, item, rules);
            if (item.nonce <= lastNonce[pair][item.oracle]) revert Replayed(item.oracle, item.nonce);
            lastNonce[pair][item.oracle] = item.nonce;
            prices[i] = item.price;
            weights[i] = item.confidence;
        }
        record(pair, prices, weights, rules);
    }

    /// Two statements of one oracle with one nonce: whoever shows both ends that oracle's part in this contract. It may bring
    /// the oracles below the quorum; then no price comes any more, which is better than a liar's.
    function expose(Attestation calldata one, Attestation calldata other) external {
        if (one.oracle != other.oracle || one.nonce != other.nonce) revert NoContradiction();
        if (!isOracle[one.oracle]) revert UnknownOracle(one.oracle);
        if (digest(one) == digest(other)) revert NoContradiction();
        checkSignature(one);
        checkSignature(other);
        isOracle[one.oracle] = false;
        emit Exposed(one.oracle);
    }

    /// The newest round, if it is at most `age` seconds old.
    function latest(bytes32 pair, uint256 age) external view returns (Round memory round) {
        uint256 count = roundCount[pair];
        if (count == 0) revert NoPrice(pair);
        round = rounds[pair][count - 1];
        if (block.timestamp - round.time > age) revert NoPrice(pair);
    }

    /// The mean of the medians from `start` to `end`, each weighted by the seconds for which it was the newest. A median stands
    /// until the next one, however long that takes. `end` has to be past: from then on the answer is the same whenever it
    /// is asked for.
    function timeWeighted(bytes32 pair, uint48 start, uint48 end) external view returns (uint96) {
        if (start >= end || end >= block.timestamp) revert NoPrice(pair);
        return uint96((sumAt(pair, end) - sumAt(pair, start)) / (end - start));
    }

    /// What an oracle signs: typed data as of EIP-712, which names this chain and this contract.
    function digest(Attestation calldata item) public view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPE, keccak256("OracleAggregator"), keccak256("1"), block.chainid, address(this))
        );
        bytes32 content = keccak256(
            abi.encode(
                ATTESTATION_TYPE,
                item.pair,
                item.oracle,
                item.nonce,
                item.time,
                item.price,
                item.confidence,
                item.sources
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, content));
    }

    function check(bytes32 pair, Attestation calldata item, Terms memory rules) private view {
        if (item.pair != pair) revert OtherPair(item.oracle);
        if (!isOracle[item.oracle]) revert UnknownOracle(item.oracle);
        if (item.price == 0) revert OutOfRange(item.oracle);
        if (item.confidence < rules.leastConfidence || item.confidence > WHOLE) revert OutOfRange(item.oracle);
        if (item.sources < rules.leastSources) revert TooFewSources(item.oracle, item.sources);
        if (item.time > block.timestamp + rules.maxLead) revert FromTheFuture(item.oracle, item.time);
        if (uint256(item.time) + rules.maxAge < block.timestamp) revert Stale(item.oracle, item.time);
        checkSignature(item);
    }

    function checkSignature(Attestation calldata item) private view {
        if (uint256(item.s) > HALF_ORDER) revert BadSignature(item.oracle);
        address signer = ecrecover(digest(item), item.v, item.r, item.s);
        if (signer == address(0)) revert BadSignature(item.oracle);
        if (signer != item.oracle) revert WrongSigner(item.oracle, signer);
    }

    /// Outliers out, then the weighted median of the rest with its mean, deviation and confidence.
    function record(bytes32 pair, uint96[] memory prices, uint16[] memory weights, Terms memory rules) private {
        sort(prices, weights);
        (uint256 from, uint256 to) = keptOf(prices, rules.tolerance);
        if (to - from < rules.quorum) revert TooFewAgree(to - from);
        Round memory round;
        round.time = uint48(block.timestamp);
        round.median = medianOf(prices, weights, from, to);
        uint256 claimed;
        (round.mean, claimed) = meansOf(prices, weights, from, to);
        round.deviation = deviationOf(prices, from, to);
        round.confidence = confidenceOf(claimed * (to - from) / prices.length, round.mean, round.deviation);
        uint256 count = roundCount[pair]++;
        if (count > 0) {
            Round storage last = rounds[pair][count - 1];
            round.sum = last.sum + uint160(last.median) * (round.time - last.time);
        }
        rounds[pair][count] = round;
        emit Priced(pair, round.time, round.median, round.mean, round.deviation, round.confidence, to - from);
    }

    /// The sum of `Round` at a moment, by bisection for the last round that is not later: at most 256 turns, of a thousand
    /// rounds 10.
    function sumAt(bytes32 pair, uint48 time) private view returns (uint160) {
        uint256 below = 0;
        uint256 above = roundCount[pair];
        if (above == 0 || rounds[pair][0].time > time) revert NoPrice(pair);
        while (above - below > 1) {
            uint256 middle = (below + above) / 2;
            if (rounds[pair][middle].time > time) above = middle;
            else below = middle;
        }
        Round storage round = rounds[pair][below];
        return round.sum + uint160(round.median) * (time - round.time);
    }

    /// Which of the sorted prices are no outliers: from one index up to, and without, another. See fenceOf in TypeScript.
    function keptOf(uint96[] memory prices, uint16 tolerance) private pure returns (uint256 from, uint256 to) {
        uint256 count = prices.length;
        to = count;
        if (count >= 4) {
            uint256 outer = (count + 2) / 4;
            uint256 first = prices[outer];
            uint256 third = prices[count - 1 - outer];
            uint256 margin = (third - first) * 3 / 2;
            uint256 least = uint256(prices[(count - 1) / 2]) * tolerance / WHOLE;
            if (least > margin) margin = least;
            while (prices[from] + margin < first) from++;
            while (prices[to - 1] > third + margin) to--;
        }
    }

    /// The least price at which the weight of all up to it reaches half.
    function medianOf(uint96[] memory prices, uint16[] memory weights, uint256 from, uint256 to)
        private
        pure
        returns (uint96)
    {
        uint256 total;
        for (uint256 i = from; i < to; i++) total += weights[i];
        uint256 cumulated = weights[from];
        while (2 * cumulated < total) cumulated += weights[++from];
        return prices[from];
    }

    /// The means of the prices and of the confidences, which are the weights of both.
    function meansOf(uint96[] memory prices, uint16[] memory weights, uint256 from, uint256 to)
        private
        pure
        returns (uint96 mean, uint256 claimed)
    {
        uint256 total;
        uint256 sum;
        uint256 squares;
        for (uint256 i = from; i < to; i++) {
            uint256 weight = weights[i];
            total += weight;
            sum += prices[i] * weight;
            squares += weight * weight;
        }
        return (uint96(sum / total), squares / total);
    }

    /// The standard deviation, in which every price counts once.
    function deviationOf(uint96[] memory prices, uint256 from, uint256 to) private pure returns (uint96) {
        uint256 sum;
        for (uint256 i = from; i < to; i++) sum += prices[i];
        uint256 mean = sum / (to - from);
        uint256 squares;
        for (uint256 i = from; i < to; i++) {
            uint256 distance = prices[i] > mean ? prices[i] - mean : mean - prices[i];
            squares += distance * distance;
        }
        return uint96(squareRoot(squares / (to - from)));
    }

    /// What is left of the covered confidence when a deviation of one percent takes a tenth away.
    function confidenceOf(uint256 covered, uint96 mean, uint96 deviation) private pure returns (uint16) {
        uint256 doubt = 10 * (deviation * WHOLE / mean);
        return doubt >= WHOLE ? 0 : uint16(covered * (WHOLE - doubt) / WHOLE);
    }

    /// By price, in place; by insertion, since there are few.
    function sort(uint96[] memory prices, uint16[] memory weights) private pure {
        for (uint256 i = 1; i < prices.length; i++) {
            (uint96 price, uint16 weight) = (prices[i], weights[i]);
            uint256 place = i;
            while (place > 0 && prices[place - 1] > price) {
                (prices[place], weights[place]) = (prices[place - 1], weights[place - 1]);
                place--;
            }
            (prices[place], weights[place]) = (price, weight);
        }
    }

    /// The greatest integer whose square is not above `x`, by Newton's method from above: some 110 turns below 2^197.
    function squareRoot(uint256 x) private pure returns (uint256) {
        if (x < 2) return x;
        uint256 root = x / 2;
        uint256 next = (root + x / root) / 2;
        while (next < root) {
            root = next;
            next = (root + x / root) / 2;
        }
        return root;
    }
}

/// Loans in dollars, with eight decimals, against ether. The dollars are entries in a book of this contract: it shows what a price decides.
/// Only the median decides. Mean and deviation do not: one liar can move them, and could so stop liquidations.
contract LendingConsumer {
    error TooMuch(uint256 limit);
    error Healthy();
    error Owing(uint256 debt);
    error SendFailed();

    event Liquidated(address owner, address liquidator, uint256 debt, uint256 taken);

    /// Debt may reach this part of the collateral's value, in basis points, before anybody may liquidate.
    uint256 public constant BORROW_LIMIT = 7_500;
    uint256 public constant LIQUIDATION_LIMIT = 8_000;
    /// What a liquidator takes for each dollar of debt, in basis points.
    uint256 public constant LIQUIDATOR_GETS = 10_500;
    /// Seconds for which a price is good.
    uint256 public constant MAX_AGE = 300;
    /// A million ether, in wei; below 2^80; times a price it is below 2^176.
    uint256 public constant MAX_COLLATERAL = 10 ** 24;

    OracleAggregator public immutable aggregator;
    bytes32 public immutable pair;

    /// Wei.
    mapping(address owner => uint256) public collateral;
    /// Dollars, with eight decimals.
    mapping(address owner => uint256) public debt;
    mapping(address owner => uint256) public credit;

    constructor(OracleAggregator aggregator_, bytes32 pair_) {
        aggregator = aggregator_;
        pair = pair_;
    }

    function deposit() external payable {
        uint256 sum = collateral[msg.sender] + msg.value;
        if (sum > MAX_COLLATERAL) revert TooMuch(MAX_COLLATERAL);
        collateral[msg.sender] = sum;
    }

    function borrow(uint256 amount) external {
        uint256 limit = worth(collateral[msg.sender], price()) * BORROW_LIMIT / 10_000;
        if (amount > limit || debt[msg.sender] > limit - amount) revert TooMuch(limit);
        debt[msg.sender] += amount;
        credit[msg.sender] += amount;
    }

    function repay(uint256 amount) external {
        if (amount > credit[msg.sender]) revert TooMuch(credit[msg.sender]);
        if (amount > debt[msg.sender]) revert TooMuch(debt[msg.sender]);
        credit[msg.sender] -= amount;
        debt[msg.sender] -= amount;
    }

    /// Takes collateral out, when nothing is owed.
    function withdraw(uint256 amount) external {
        if (debt[msg.sender] > 0) revert Owing(debt[msg.sender]);
        if (amount > collateral[msg.sender]) revert TooMuch(collateral[msg.sender]);
        collateral[msg.sender] -= amount;
        pay(msg.sender, amount);
    }

    /// Pays somebody's whole debt from the caller's credit, for collateral of that worth and a twentieth more, if there is as much.
    function liquidate(address owner) external {
        uint96 current = price();
        uint256 owed = debt[owner];
        if (owed * 10_000 <= worth(collateral[owner], current) * LIQUIDATION_LIMIT) revert Healthy();
        if (owed > credit[msg.sender]) revert TooMuch(credit[msg.sender]);
        uint256 taken = owed * LIQUIDATOR_GETS / 10_000 * 1 ether / current;
        if (taken > collateral[owner]) taken = collateral[owner];
        credit[msg.sender] -= owed;
        debt[owner] = 0;
        collateral[owner] -= taken;
        emit Liquidated(owner, msg.sender, owed, taken);
        pay(msg.sender, taken);
    }

    /// Dollars for one ether: the newest median, if it is fresh.
    function price() public view returns (uint96) {
        return aggregator.latest(pair, MAX_AGE).median;
    }

    /// Dollars, with eight decimals.
    function worth(uint256 amount, uint96 rate) private pure returns (uint256) {
        return amount * rate / 1 ether;
    }

    function pay(address to, uint256 amount) private {
        (bool done,) = to.call{value: amount}("");
        if (!done) revert SendFailed();
    }
}

/// Covered calls on ether: the writer locks the ether; at expiry the holder gets what it is worth above the strike, in ether.
contract OptionsConsumer {
    error BadOption();
    error NotThere();
    error NotExpired();
    error SendFailed();

    event Written(uint256 id, address writer, address holder, uint96 strike, uint48 expiry, uint256 amount);
    event Settled(uint256 id, uint96 price, uint256 toHolder, uint256 toWriter);

    /// Seconds before the expiry whose time-weighted price counts: one quick move at the end decides little.
    uint48 public constant WINDOW = 3_600;
    /// Seconds from writing to expiry, at most.
    uint48 public constant MAX_TERM = 366 days;
    /// A million ether, in wei.
    uint256 public constant MAX_AMOUNT = 10 ** 24;

    struct Option {
        address writer;
        address holder;
        uint48 expiry;
        uint96 strike;
        uint256 amount;
    }

    OracleAggregator public immutable aggregator;
    bytes32 public immutable pair;
    mapping(uint256 id => Option) public options;
    mapping(address owner => uint256) public owed;
    uint256 public count;

    constructor(OracleAggregator aggregator_, bytes32 pair_) {
        aggregator = aggregator_;
        pair = pair_;
    }

    /// Writes an option on the ether that comes with the call. `strike` in dollars for one ether. There must have been a
    /// price by now and the window must lie ahead, so that the option can be settled whatever happens.
    function write(address holder, uint96 strike, uint48 expiry) external payable {
        if (strike == 0 || aggregator.roundCount(pair) == 0) revert BadOption();
        if (expiry < block.timestamp + WINDOW || expiry > block.timestamp + MAX_TERM) revert BadOption();
        if (msg.value == 0 || msg.value > MAX_AMOUNT || holder == address(0)) revert BadOption();
        uint256 id = count++;
        options[id] = Option(msg.sender, holder, expiry, strike, msg.value);
        emit Written(id, msg.sender, holder, strike, expiry, msg.value);
    }

    /// Divides the ether by the price of the last hour before expiry. Anybody may call it, and who is first changes nothing.
    function settle(uint256 id) external {
        Option memory option = options[id];
        if (option.amount == 0) revert NotThere();
        if (block.timestamp <= option.expiry) revert NotExpired();
        uint96 price = aggregator.timeWeighted(pair, option.expiry - WINDOW, option.expiry);
        uint256 toHolder = price > option.strike ? option.amount * (price - option.strike) / price : 0;
        uint256 toWriter = option.amount - toHolder;
        delete options[id];
        owed[option.holder] += toHolder;
        owed[option.writer] += toWriter;
        emit Settled(id, price, toHolder, toWriter);
    }

    function withdraw() external {
        uint256 amount = owed[msg.sender];
        owed[msg.sender] = 0;
        (bool done,) = msg.sender.call{value: amount}("");
        if (!done) revert SendFailed();
    }
}
