/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c - the table; see verbs.h. */
#include "verbs.h"

#include <string.h>

/* Fields that several commands take. */
#define GROUP_FIELDS                                                                               \
	"description priority:i category customCategory cpuAllocationPct:i "                       \
	"maxSessions:i maxIdleTime:i maxExecutionTime:i parallelDegreeLimit:i "                    \
	"memoryLimit:i ioBandwidthLimit:i iopsLimit:i isActive:b"
#define PLAN_FIELDS                                                                                \
	"description cpuMethod parentPlanId:p parallelExecutionManaged:b "                         \
	"activeSessionPoolManaged:b maxUtilizationLimit:i isEnabled:b"
#define DIRECTIVE_FIELDS                                                                           \
	"cpuPct:i cpuShares:i cpuLevel:i cpuUtilizationLimit:i "                                   \
	"parallelDegreeLimit:i parallelServerLimit:i parallelQueueTimeout:i "                      \
	"parallelQueueRunsSerial:b activeSessPoolP1:i queueingP1:i "                               \
	"maxEstExecTime:i maxIdleTime:i maxIdleBlockerTime:i switchGroup:g "                       \
	"switchAction switchTime:i switchElapsedTime:i switchIoBytes:i "                           \
	"switchIoRequests:i switchEstimate:b switchForCall:b sessionPgaLimit:i "                   \
	"ioBandwidthLimit:i iopsLimit:i ioWeight:i subPlanId:p priority:i"
#define SCHEDULE_FIELDS                                                                            \
	"dayOfWeek:i daysOfWeek:j startTime endTime timeZone priority:i "                          \
	"isEnabled:b"
#define WINDOW_FIELDS                                                                              \
	"description startTime timeZone priority:i allowUserSessions:b "                           \
	"maxUserSessions:i isEnabled:b"
#define PAGE_FIELDS "after:i limit:i"

const struct verb verbs[] = {
	{"group", "list", "GET", "/groups",
		"category isActive:b isSystem:b nameContains priorityAtMost:i " PAGE_FIELDS,
		"id name category priority currentSessions maxSessions isActive",
		"Consumer groups."},
	{"group", "show", "GET", "/groups/{groupId:g}", "", NULL, "One group."},
	{"group", "stats", "GET", "/groups/{groupId:g}/stats", "", NULL, "What a group has used."},
	{"group", "create", "POST", "/groups", "name! " GROUP_FIELDS, NULL, "Makes a group."},
	{"group", "update", "PATCH", "/groups/{groupId:g}", "name " GROUP_FIELDS, NULL,
		"Changes a group; null takes a limit away."},
	{"group", "delete", "DELETE", "/groups/{groupId:g}", "moveTo:g", NULL,
		"Removes a group; its sessions move."},
	{"group", "default", "POST", "/groups/{groupId:g}/make-default", "", NULL,
		"Makes a group the one of sessions that nothing else claims."},

	{"user", "list", "GET", "/mappings", "groupId:g " PAGE_FIELDS,
		"userId username groupId isPermanent expiresAt",
		"Users that are pinned to groups."},
	{"user", "show", "GET", "/mappings/{userId:i}", "", NULL, "The mapping of a user."},
	{"user", "map", "POST", "/mappings",
		"userId:i! username! groupId:g! isPermanent:b expiresAt", NULL,
		"Pins a user to a group."},
	{"user", "unmap", "DELETE", "/mappings/{userId:i}", "", NULL, "Takes a mapping away."},

	{"rule", "list", "GET", "/rules", "targetGroupId:g isEnabled:b",
		"id name priority targetGroupId isEnabled matchCount conditionText",
		"Assignment rules."},
	{"rule", "show", "GET", "/rules/{ruleId:i}", "", NULL, "One rule."},
	{"rule", "create", "POST", "/rules",
		"name! targetGroupId:g! priority:i condition conditionValue expression:j "
		"isEnabled:b",
		NULL, "Makes a rule."},
	{"rule", "update", "PATCH", "/rules/{ruleId:i}",
		"name targetGroupId:g priority:i condition conditionValue expression:j isEnabled:b",
		NULL, "Changes a rule."},
	{"rule", "delete", "DELETE", "/rules/{ruleId:i}", "", NULL, "Removes a rule."},
	{"rule", "decide", "GET", "/rules/decision",
		"username! userId:i programName machineName serviceName moduleName actionName at",
		NULL, "The group that a session would get, and why."},

	{"plan", "list", "GET", "/plans", "isEnabled:b topPlansOnly:b " PAGE_FIELDS,
		"id name status cpuMethod isTopPlan isEnabled description", "Resource plans."},
	{"plan", "show", "GET", "/plans/{planId:p}", "", NULL, "One plan."},
	{"plan", "active", "GET", "/plans/active", "", NULL, "The plan in force."},
	{"plan", "create", "POST", "/plans", "name! " PLAN_FIELDS, NULL, "Makes a plan."},
	{"plan", "update", "PATCH", "/plans/{planId:p}", "name " PLAN_FIELDS, NULL,
		"Changes a plan."},
	{"plan", "delete", "DELETE", "/plans/{planId:p}", "replacement:p", NULL, "Removes a plan."},
	{"plan", "activate", "POST", "/plans/{planId:p}/activate", "", NULL,
		"Puts a plan in force."},
	{"plan", "deactivate", "POST", "/plans/deactivate", "", NULL,
		"Returns to the default plan."},
	{"plan", "validate", "GET", "/plans/{planId:p}/validation", "", NULL,
		"What is wrong with a plan."},
	{"plan", "allocations", "GET", "/allocations", "planId:p", "*",
		"What each group gets under a plan."},
	{"plan", "history", "GET", "/plans/history", "limit:i", "*",
		"Which plans were in force, and why."},
	{"plan", "decide", "GET", "/plans/decision", "at", NULL, "The plan that schedules want."},

	{"edit", "show", "GET", "/plan-edit", "", NULL, "The staged edit of plans that is open."},
	{"edit", "begin", "POST", "/plan-edit", "timeout:i", NULL,
		"Begins an edit: what is staged takes effect when it is submitted, at once."},
	{"edit", "create-plan", "POST", "/plan-edit/plans", "name! " PLAN_FIELDS, NULL,
		"Stages a new plan; further steps name it by the id that is answered."},
	{"edit", "update-plan", "PATCH", "/plan-edit/plans/{planId:p}", "name " PLAN_FIELDS, NULL,
		"Stages a change of a plan."},
	{"edit", "delete-plan", "DELETE", "/plan-edit/plans/{planId:p}", "replacement:p", NULL,
		"Stages the end of a plan."},
	{"edit", "set-directive", "POST", "/plan-edit/plans/{planId:p}/directives",
		"groupId:g! " DIRECTIVE_FIELDS, NULL, "Stages a directive, or a change of it."},
	{"edit", "remove-directive", "DELETE", "/plan-edit/plans/{planId:p}/directives/{groupId:g}",
		"", NULL, "Stages the end of a directive."},
	{"edit", "validate", "GET", "/plan-edit/validation", "", NULL,
		"What is wrong with the edit."},
	{"edit", "submit", "POST", "/plan-edit/submit", "", NULL,
		"Makes all changes of the edit, or none."},
	{"edit", "discard", "DELETE", "/plan-edit", "", NULL, "Throws the edit away."},

	{"directive", "list", "GET", "/plans/{planId:p}/directives", "",
		"id groupId cpuPct cpuShares cpuUtilizationLimit subPlanId priority",
		"Directives of a plan."},
	{"directive", "show", "GET", "/directives/{directiveId:i}", "", NULL, "One directive."},
	{"directive", "create", "POST", "/plans/{planId:p}/directives",
		"groupId:g! " DIRECTIVE_FIELDS, NULL, "Gives a group its part of a plan."},
	{"directive", "update", "PATCH", "/directives/{directiveId:i}", DIRECTIVE_FIELDS, NULL,
		"Changes a directive."},
	{"directive", "delete", "DELETE", "/directives/{directiveId:i}", "", NULL,
		"Takes a directive away."},

	{"schedule", "list", "GET", "/schedules", "planId:p isEnabled:b",
		"id name planId daysOfWeek startTime endTime timeZone priority isEnabled",
		"Schedules of plans."},
	{"schedule", "show", "GET", "/schedules/{scheduleId:i}", "", NULL, "One schedule."},
	{"schedule", "create", "POST", "/schedules", "name! planId:p! " SCHEDULE_FIELDS, NULL,
		"Makes a schedule."},
	{"schedule", "update", "PATCH", "/schedules/{scheduleId:i}",
		"name planId:p " SCHEDULE_FIELDS, NULL, "Changes a schedule."},
	{"schedule", "delete", "DELETE", "/schedules/{scheduleId:i}", "", NULL,
		"Removes a schedule."},

	{"window", "list", "GET", "/windows", "isEnabled:b",
		"id name dayOfWeek startTime durationMinutes maintenancePlanId isEnabled",
		"Maintenance windows."},
	{"window", "show", "GET", "/windows/{windowId:i}", "", NULL, "One window."},
	{"window", "current", "GET", "/windows/current", "", NULL, "The window that is open."},
	{"window", "create", "POST", "/windows",
		"name! dayOfWeek:i! durationMinutes:i! maintenancePlanId:p! " WINDOW_FIELDS, NULL,
		"Makes a window."},
	{"window", "update", "PATCH", "/windows/{windowId:i}",
		"name dayOfWeek:i durationMinutes:i maintenancePlanId:p " WINDOW_FIELDS, NULL,
		"Changes a window."},
	{"window", "delete", "DELETE", "/windows/{windowId:i}", "", NULL, "Removes a window."},

	{"session", "list", "GET", "/sessions",
		"groupId:g userId:i username state priority isSystem:b "
		"includeTerminated:b " PAGE_FIELDS,
		"sessionId username groupId state priority totalQueries cpuTimeUsed programName",
		"Sessions."},
	{"session", "queued", "GET", "/sessions/queued", "groupId:g", "*",
		"Sessions that wait for a place in their group's pool."},
	{"session", "show", "GET", "/sessions/{sessionId:i}", "", NULL, "One session."},
	{"session", "history", "GET", "/sessions/{sessionId:i}/group-history", "", "*",
		"The groups that a session was in."},
	{"session", "kill", "POST", "/sessions/{sessionId:i}/kill", "", NULL,
		"Ends a session and its work."},
	{"session", "cancel", "POST", "/sessions/{sessionId:i}/cancel", "", NULL,
		"Cancels the statement that runs."},
	{"session", "switch", "POST", "/sessions/{sessionId:i}/switch", "newGroupId:g! reason",
		NULL, "Moves a session to another group."},
	{"session", "boost", "POST", "/sessions/{sessionId:i}/boost", "", NULL,
		"Raises a session's priority by one, for its next turn."},
	{"session", "priority", "POST", "/sessions/{sessionId:i}/priority", "priority!", NULL,
		"Sets a session's priority."},
	{"session", "limits", "PATCH", "/sessions/{sessionId:i}/limits",
		"idleTimeout:i maxExecutionTime:i", NULL, "Sets limits of a session."},
	{"session", "stats", "GET", "/sessions/stats", "", NULL,
		"What the session controller has done."},

	{"session-pool", "list", "GET", "/session-pools", "",
		"groupId maxActiveSessions activeSessions queuedSessions queueTimeout allowQueuing",
		"Session pools: how many sessions of a group run at once."},
	{"session-pool", "show", "GET", "/session-pools/{groupId:g}", "", NULL,
		"The session pool of a group."},
	{"session-pool", "set", "POST", "/session-pools",
		"groupId:g! maxActiveSessions:i! queueTimeout:i allowQueuing:b", NULL,
		"Gives a group a session pool, or changes it."},
	{"session-pool", "remove", "DELETE", "/session-pools/{groupId:g}", "", NULL,
		"Takes a session pool away."},

	{"task", "list", "GET", "/tasks", "groupId:g queryId:i state isRunaway:b " PAGE_FIELDS,
		"taskId groupId queryId state priority cpuTimeUsed isRunaway",
		"Tasks of the CPU scheduler."},
	{"task", "show", "GET", "/tasks/{taskId:i}", "", NULL, "One task."},
	{"task", "add", "POST", "/tasks", "queryId:i! groupId:g! priority:i", NULL,
		"Adds a task of another engine."},
	{"task", "suspend", "POST", "/tasks/{taskId:i}/suspend", "state!", NULL, "A task waits."},
	{"task", "resume", "POST", "/tasks/{taskId:i}/resume", "", NULL,
		"A task that waited is ready."},
	{"task", "complete", "POST", "/tasks/{taskId:i}/complete", "cpuTimeNs:i", NULL,
		"A task is done."},

	{"io", "list", "GET", "/io/groups", "",
		"groupId currentBandwidth bandwidthLimit currentIops iopsLimit weight "
		"queuedRequests activeRequests throttledRequests",
		"I/O of all groups."},
	{"io", "show", "GET", "/io/groups/{groupId:g}", "", NULL, "I/O of one group."},
	{"io", "limit", "POST", "/io/groups", "groupId:g! bandwidthLimit:i iopsLimit:i weight:i",
		NULL, "Sets I/O limits of a group."},
	{"io", "unlimit", "DELETE", "/io/groups/{groupId:g}", "", NULL,
		"Takes I/O limits of a group away."},
	{"io", "stats", "GET", "/io/stats", "", NULL, "What the I/O scheduler has done."},
	{"io", "devices", "GET", "/io/devices", "", "*", "I/O of each device."},
	{"io", "requests", "GET", "/requests",
		"groupId:g state priority pastDeadline:b " PAGE_FIELDS,
		"id groupId requestType priority sizeBytes state", "I/O requests."},
	{"io", "cancel", "POST", "/requests/{requestId:i}/cancel", "", NULL,
		"Cancels an I/O request."},

	{"pool", "list", "GET", "/memory/pools", "",
		"id name poolType allocatedSize maxSize usagePercent peakSize targetSize "
		"failedAllocations",
		"Memory pools."},
	{"pool", "show", "GET", "/memory/pools/{poolId:m}", "", NULL, "One memory pool."},
	{"pool", "create", "POST", "/memory/pools",
		"name! poolType! maxSize:i! minSize:i autoTune:b parentPoolId:m", NULL,
		"Makes a memory pool."},
	{"pool", "update", "PATCH", "/memory/pools/{poolId:m}",
		"maxSize:i minSize:i targetSize:i autoTune:b", NULL, "Changes a memory pool."},
	{"pool", "delete", "DELETE", "/memory/pools/{poolId:m}", "", NULL,
		"Removes a memory pool."},
	{"pool", "stats", "GET", "/memory/stats", "", NULL, "What the memory manager has done."},
	{"pool", "limits", "GET", "/memory/limits", "",
		"groupId currentTotalUsage peakTotalUsage maxGroupMemory maxSessionPga "
		"activeSessions",
		"Memory limits of groups."},
	{"pool", "limit", "POST", "/memory/limits", "groupId:g! maxGroupMemory:i maxSessionPga:i",
		NULL, "Sets memory limits of a group."},
	{"pool", "unlimit", "DELETE", "/memory/limits/{groupId:g}", "", NULL,
		"Takes memory limits of a group away."},

	{"pool", "allocate", "POST", "/memory/pools/{poolId:m}/allocate", "size:i! sessionId:i tag",
		NULL, "Takes bytes from a pool; answers the allocation."},
	{"pool", "deallocate", "POST", "/memory/pools/{poolId:m}/deallocate", "size:i!", NULL,
		"Gives bytes back that have no allocation of their own."},
	{"pool", "advice", "GET", "/memory/advice", "", "*", "Which sizes pools should have."},
	{"pool", "pressure", "GET", "/memory/pressure", "", NULL, "How tight memory is."},

	{"allocation", "list", "GET", "/memory/allocations", "poolId:m sessionId:i " PAGE_FIELDS,
		"id poolId sessionId groupId size tag createdAt", "What is taken from pools."},
	{"allocation", "free", "DELETE", "/memory/allocations/{allocationId:i}", "", NULL,
		"Frees an allocation."},

	{"quota", "list", "GET", "/memory/quotas", "groupId:g " PAGE_FIELDS,
		"sessionId groupId maxPgaMemory currentPgaUsage maxWorkArea currentWorkArea "
		"peakUsage",
		"Memory quotas of sessions."},
	{"quota", "show", "GET", "/memory/quotas/{sessionId:i}", "", NULL,
		"The quota of one session."},
	{"quota", "create", "POST", "/memory/quotas",
		"sessionId:i! groupId:g! maxPgaMemory:i maxWorkArea:i", NULL,
		"Gives a session a quota."},
	{"quota", "allocate", "POST", "/memory/quotas/{sessionId:i}/allocate",
		"size:i! isWorkArea:b", NULL, "A session takes bytes."},
	{"quota", "deallocate", "POST", "/memory/quotas/{sessionId:i}/deallocate",
		"size:i! isWorkArea:b", NULL, "A session gives bytes back."},
	{"quota", "remove", "DELETE", "/memory/quotas/{sessionId:i}", "", NULL,
		"Takes a quota away."},

	{"server-pool", "list", "GET", "/server-pools", "",
		"poolId name minServers maxServers currentServers idleServers idleServerTimeout",
		"Pools of parallel servers."},
	{"server-pool", "show", "GET", "/server-pools/{poolId:i}", "", NULL, "One pool."},
	{"server-pool", "create", "POST", "/server-pools",
		"name! minServers:i! maxServers:i! assignedGroups:j idleServerTimeout:i", NULL,
		"Makes a pool."},
	{"server-pool", "update", "PATCH", "/server-pools/{poolId:i}",
		"name minServers:i maxServers:i assignedGroups:j idleServerTimeout:i", NULL,
		"Changes a pool."},
	{"server-pool", "delete", "DELETE", "/server-pools/{poolId:i}", "", NULL,
		"Removes a pool."},

	{"parallel", "servers", "GET", "/parallel/servers", "poolId:i state",
		"serverId poolId state serverType assignedQuery cpuAffinity cpuTimeUsed",
		"Parallel servers."},
	{"parallel", "limits", "GET", "/parallel/limits", "", "groupId limit serverLimit dopInUse",
		"Degrees that groups are limited to."},
	{"parallel", "show-limit", "GET", "/parallel/limits/{groupId:g}", "", NULL,
		"The limit of one group."},
	{"parallel", "limit", "POST", "/parallel/limits", "groupId:g! limit:i! serverLimit:i", NULL,
		"Limits degrees of a group."},
	{"parallel", "unlimit", "DELETE", "/parallel/limits/{groupId:g}", "", NULL,
		"Takes a limit away."},
	{"parallel", "dop", "GET", "/parallel/dop",
		"groupId:g requestedDop:i estimatedCost:j estimatedRows:i", NULL,
		"The degree that a query would get, and why."},
	{"parallel", "load", "GET", "/parallel/load", "", NULL,
		"The load that automatic degrees go by."},

	{"execution", "list", "GET", "/executions", "groupId:g sessionId:i state " PAGE_FIELDS,
		"queryId sessionId groupId state requestedDop grantedDop mode",
		"Parallel executions."},
	{"execution", "queued", "GET", "/executions/queued", "",
		"queryId sessionId groupId state requestedDop mode",
		"Parallel executions that wait."},
	{"execution", "show", "GET", "/executions/{queryId:i}", "", NULL,
		"One parallel execution."},
	{"execution", "request", "POST", "/executions",
		"sessionId:i! groupId:g! requestedDop:i! mode minDop:i allowDowngrade:b priority:i "
		"startDeadlineMs:i",
		NULL, "Asks for parallel servers."},
	{"execution", "complete", "POST", "/executions/{queryId:i}/complete",
		"rowsProcessed:i bytesProcessed:i failure", NULL, "A parallel execution is done."},
	{"execution", "cancel", "POST", "/executions/{queryId:i}/cancel", "", NULL,
		"Cancels a parallel execution."},
	{"execution", "stats", "GET", "/parallel/stats", "", NULL,
		"What parallel control has done."},

	{"query", "list", "GET", "/queries", "sessionId:i groupId:g includeEnded:b " PAGE_FIELDS,
		"executionId sessionId groupId state grantedDop taskId cpuTimeUsed",
		"Queries that were admitted to everything."},
	{"query", "show", "GET", "/queries/{executionId:i}", "", NULL, "One query."},
	{"query", "execute", "POST", "/queries",
		"sessionId:i! estimatedCost:j estimatedExecTimeSeconds:i parallelMode "
		"requestedDop:i minDop:i workAreaBytes:i",
		NULL, "Admits a session's query to everything that it needs."},
	{"query", "complete", "POST", "/queries/{executionId:i}/complete", "failure", NULL,
		"Ends a query and gives back all that it held."},

	{"stats", "show", "GET", "/stats", "", NULL, "All statistics of one moment."},
	{"stats", "reset", "POST", "/stats/reset", "", NULL,
		"Lets totals count from now on, for readers."},

	{"events", "list", "GET", "/events", "kinds:j " PAGE_FIELDS, "sequence at kind message",
		"What has happened; --follow goes on."},

	{"config", "get", "GET", "/config", "", NULL, "Settings of the whole."},
	{"config", "set", "PATCH", "/config",
		"cpuCores:i enabled:b maxDbMemory:i ioParallelism:i maxConcurrentIo:i "
		"maxTotalDop:i cpuPolicy ioPolicy memoryStrategy enableMlPredictions:b "
		"enableDynamicRebalancing:b rebalancingInterval:i containerAware:b "
		"globalSessionLimit:i",
		NULL, "Changes settings of the whole."},
	{"config", "cpu", "GET", "/cpu/config", "", NULL, "Settings of the CPU scheduler."},
	{"config", "set-cpu", "PATCH", "/cpu/config",
		"policy quantumMs:i runawayDetectionEnabled:b runawayThresholdSeconds:i "
		"runawayThrottleFactor:j",
		NULL, "Changes settings of the CPU scheduler."},
	{"config", "io", "GET", "/io/config", "", NULL, "Settings of the I/O scheduler."},
	{"config", "set-io", "PATCH", "/io/config", "policy maxConcurrentIo:i burstSeconds:j", NULL,
		"Changes settings of the I/O scheduler."},
	{"config", "set-io-deadline", "POST", "/io/deadlines",
		"requestType! priority! deadlineMs:i", NULL,
		"Sets a deadline that I/O requests get by default; without one, takes it away."},
	{"config", "parallel", "GET", "/parallel/config", "", NULL,
		"Settings of parallel control."},
	{"config", "set-parallel", "PATCH", "/parallel/config",
		"maxTotalDop:i ioParallelism:i downgradeEnabled:b defaultQueueTimeout:i", NULL,
		"Changes settings of parallel control."},
	{"config", "set-memory", "PATCH", "/memory/pressure",
		"low:j medium:j high:j critical:j hysteresis:j", NULL,
		"Changes the levels of memory pressure, as parts of 1."},
	{"config", "sessions", "GET", "/sessions/config", "", NULL, "Settings of session control."},
	{"config", "set-sessions", "PATCH", "/sessions/config",
		"globalSessionLimit:i timeoutCheckerEnabled:b autoTerminateEnabled:b "
		"defaultIdleTimeout:i defaultMaxExecutionTime:i idleMark:i executionTimeoutAction",
		NULL, "Changes settings of session control."},

	{"revision", "list", "GET", "/revisions", "before:i first:i",
		"revision at author operation changeCount",
		"Changes of definitions, newest first."},
	{"revision", "show", "GET", "/revisions/{revision:i}", "", NULL, "One change."},
	{"revision", "diff", "GET", "/revisions/{fromRevision:i}/diff", "toRevision:i",
		"kind id before after", "What has changed since a revision, or up to another."},
	{"revision", "rollback", "POST", "/revisions/{revision:i}/rollback", "", NULL,
		"Makes definitions as they were, as a new revision."},

	{"explain", "session", "GET", "/sessions/{sessionId:i}/wait", "", NULL,
		"Why a session waits, for what limit, and for whom."},
};
const size_t verb_count = sizeof(verbs) / sizeof(verbs[0]);

static void read_argument(
	const char *text, size_t length, bool is_in_path, struct verb_argument *to)
{
	const char *colon = memchr(text, ':', length);

	*to = (struct verb_argument){.kind = 't', .is_in_path = is_in_path};
	to->is_required = is_in_path || text[length - 1] == '!';
	if (!is_in_path && to->is_required)
		length--;
	if (colon != NULL) {
		to->kind = colon[1];
		length = (size_t)(colon - text);
	}
	memcpy(to->name, text, length < sizeof(to->name) ? length : sizeof(to->name) - 1);
}

size_t verb_arguments(const struct verb *verb, struct verb_argument to[VERB_ARGUMENTS_MAX])
{
	const char *text = verb->path;
	size_t count = 0;

	while ((text = strchr(text, '{')) != NULL && count < VERB_ARGUMENTS_MAX) {
		size_t length = strcspn(++text, "}");

		read_argument(text, length, true, &to[count++]);
	}
	text = verb->arguments;
	while (count < VERB_ARGUMENTS_MAX && *(text += strspn(text, " ")) != '\0') {
		size_t length = strcspn(text, " ");

		read_argument(text, length, false, &to[count++]);
		text += length;
	}
	return count;
}

const struct verb *verb_find(const char *entity, const char *word)
{
	for (size_t i = 0; word != NULL && i < verb_count; i++) {
		if (strcmp(verbs[i].entity, entity) == 0 && strcmp(verbs[i].verb, word) == 0)
			return &verbs[i];
	}
	return NULL;
}

bool verb_entity_exists(const char *entity)
{
	for (size_t i = 0; i < verb_count; i++) {
		if (strcmp(verbs[i].entity, entity) == 0)
			return true;
	}
	return false;
}
