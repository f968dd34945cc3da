package sim

// actions is everything that can happen.
var actions = []action{
	{"order", 12, orderSomething},
	{"pay", 16, payOrder},
	{"come back", 8, comeBack},
	{"return", 6, returned},
	{"top up", 4, topUpByCard},
	{"transfer", 9, transferMoney},
	{"cancel", 3, cancelOrder},
	{"change", 6, change},
	{"renew early", 4, renewEarly},
	{"toggle", 4, toggle},
	{"revoke", 2, revoke},
	{"bill", 2, bill},
	{"refund there", 2, refundThere},
	{"dispute", 2, dispute},
	{"settle", 4, settleLater},
	{"wait", 6, wait},
	{"live on", 7, liveOn},
	{"leap", 4, leap},
	{"due", 6, dueNow},
	{"work", 12, work},
	{"storm", 3, storm},
	{"fault", 5, inject},
	{"heal", 2, heal},
	{"race", 5, race},
}
